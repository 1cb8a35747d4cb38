"""The command line of localhub: `serve` starts one, every other command plays with one that runs.

Exit codes: 0 done, 1 it could not be done (the message says why), 2 the command was written wrongly.
"""

from pathlib import Path

import click

from localhub.commands import fault, hook, org, push, repo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="steward", prog_name="localhub")
def cli() -> None:
    """A GitHub organisation on your own machine, with real git repositories."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8585, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--org", "orgs", multiple=True, metavar="LOGIN", help="Organisation to serve; may be repeated.")
@click.option(
    "--repos",
    default=0,
    type=click.IntRange(0, 1_000_000),
    help="Generated repositories in each organisation.",
)
@click.option(
    "--token",
    envvar="LOCALHUB_TOKEN",
    help="A token that may do everything; made up and kept in localhub.json when not given.",
)
@click.option("--load", type=click.Path(path_type=Path), help="A recorded organisation: JSON lines, or .gz.")
@click.option("--sample", is_flag=True, help="Put a dozen sample repositories into the first organisation.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Keep everything here; gone at the end without."
)
@click.option("--webhook", metavar="URL", help="Send every event to this address.")
@click.option("--webhook-secret", envvar="LOCALHUB_WEBHOOK_SECRET", help="Sign these deliveries with it.")
@click.option("--faults", is_flag=True, help="Let faults be switched on (`localhub fault`).")
@click.option(
    "--rate-limit",
    default=5_000,
    show_default=True,
    type=click.IntRange(1),
    help="Points an hour for each token.",
)
@click.option(
    "--check-workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Declared checks (.localhub/checks.toml) that may run at once.",
)
@click.option("--end-with-parent", is_flag=True, help="End when the process that started this one has ended.")
@click.option("--app-id", type=int, help="Serve a GitHub App of this id, installed in every organisation.")
@click.option(
    "--app-key",
    type=click.Path(path_type=Path),
    help="Public key (PEM) that the app's tokens must be signed for; any well-formed one is taken without.",
)
def serve(
    host: str,
    port: int,
    orgs: tuple[str, ...],
    repos: int,
    token: str | None,
    load: Path | None,
    sample: bool,  # click passes flags by name
    data_dir: Path | None,
    webhook: str | None,
    webhook_secret: str | None,
    faults: bool,  # as above
    rate_limit: int,
    check_workers: int,
    end_with_parent: bool,  # as above
    app_id: int | None,
    app_key: Path | None,
) -> None:
    """Serve one until Ctrl-C; one line on standard output says where, once it listens."""
    from localhub import serve as serving

    if app_key is not None and app_id is None:
        raise click.UsageError("--app-key needs --app-id")
    if webhook_secret is not None and webhook is None:
        raise click.UsageError("--webhook-secret needs --webhook")
    settings = serving.Settings(
        host=host,
        port=port,
        orgs=orgs or (() if load is not None else ("demo",)),
        repos=repos,
        token=token,
        load=load,
        sample=sample,
        data_dir=data_dir,
        webhook=webhook,
        webhook_secret=webhook_secret,
        faults=faults,
        points_per_hour=rate_limit,
        check_workers=check_workers,
        app_id=app_id,
        app_key=app_key,
    )
    try:
        serving.run(settings, announce=click.echo, end_with_parent=end_with_parent)
    except serving.CannotServe as error:
        raise click.ClickException(str(error)) from error


for _command in (repo, org, push, fault, hook):
    cli.add_command(_command)


def run() -> None:
    """The console script."""
    cli(prog_name="localhub")
