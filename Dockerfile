# Steward in a container. Two stages: the first installs, pinned by hash; the second runs, without a compiler,
# pip or root.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/steward
COPY requirements/run.txt requirements/run.txt
RUN /opt/steward/bin/pip install --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/steward/bin/pip install --no-deps --no-build-isolation . \
 && /opt/steward/bin/pip uninstall --yes hatchling editables pip

FROM python:3.13-slim
# git works on repositories, and serves the sample organisation; ssh reaches hosts; bubblewrap makes the boxes of agents
# and sites, where the container may make namespaces (compose.yaml). Debian keeps one version of each at a time.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 steward \
 && useradd --system --uid 10001 --gid 10001 --home-dir /data --shell /usr/sbin/nologin steward \
 && install -d -o steward -g steward -m 0700 /data
COPY --from=build /opt/steward /opt/steward
ENV PATH=/opt/steward/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STEWARD_DATA_DIR=/data \
    STEWARD_WEB_HOST=0.0.0.0 \
    STEWARD_WEB_PORT=8484
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8484
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8484/readyz', timeout=4)"]
ENTRYPOINT ["steward"]
CMD ["up", "--quiet"]
