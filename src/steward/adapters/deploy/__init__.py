"""Deploys commits with Ansible, keeps the sites of this machine running, and looks whether releases live.

`deployer.AnsibleDeployer` puts a commit where people reach it; `local.LocalHost` is this machine as a host;
`probe.LifeProbe` looks at what serves. Nothing is imported here, so that a keeper stays small.
"""
