# syntax=docker/dockerfile:1

# The reference system as one small image: one binary, every role. With `--target broker`, the broker on its own.
#
# The bases are arguments, so that a mirror or a base of your own can take their place. The runtime stage can be
# built around a binary that is already there: `--build-context build=DIR`, with the binary at `DIR/out/fibonacci` and
# the certificates at `DIR/out/ca-certificates.crt`.
ARG RUST_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
# `release` builds in minutes; `dist` is a little faster and smaller and takes much longer.
ARG PROFILE=release
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --profile "$PROFILE" --package fibonacci \
    && install -D "target/$PROFILE/fibonacci" /out/fibonacci \
    && install -m 0644 /etc/ssl/certs/ca-certificates.crt /out/

FROM ${RUST_IMAGE} AS build-broker
ARG PROFILE=release
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --profile "$PROFILE" --package longshore-cli \
    && install -D "target/$PROFILE/longshore" /out/longshore

FROM ${RUNTIME_IMAGE} AS base
# The user owns nothing but what it keeps. A volume that is mounted there begins with this owner.
RUN groupadd --gid 10001 longshore \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin longshore \
    && install -d -o longshore -g longshore -m 0750 /data
WORKDIR /data
ENV LONGSHORE_DATA=/data

# Publish its port to a loopback address: the broker checks no signatures.
FROM base AS broker
COPY --from=build-broker /out/longshore /usr/local/bin/longshore
USER 10001:10001
VOLUME /data
EXPOSE 9324
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["longshore", "health"]
ENTRYPOINT ["/usr/local/bin/longshore"]
CMD ["broker", "--broker-listen", "0.0.0.0:9324", "--allow-anonymous"]

FROM base AS runtime
# The certificates are for Amazon SQS; the base has none.
COPY --from=build /out/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/fibonacci /usr/local/bin/fibonacci
USER 10001:10001
VOLUME /data
EXPOSE 5000 9324 4000
# The app's; a container with another role names its own (see compose.yaml).
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["fibonacci", "health", "--role", "app"]
ENTRYPOINT ["/usr/local/bin/fibonacci"]
CMD ["up"]
