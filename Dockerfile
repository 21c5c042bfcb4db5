# syntax=docker/dockerfile:1
# Rapport in one image: the program, which holds its site, and nothing else.
#   docker build -t rapport .

ARG RUST_VERSION=1.96
ARG NODE_VERSION=22

# Tailwind and wasm-opt come from npm.
FROM node:${NODE_VERSION}-bookworm-slim AS npm
WORKDIR /npm
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

# The version of wasm-bindgen must be the one that Cargo.lock fixes. It is taken out in a stage of its own, so that the
# tool is built again only when that version changes, not with every change of the lock.
FROM debian:bookworm-slim AS wasm-bindgen-version
COPY Cargo.lock /
RUN awk '$1 == "name" { hit = ($3 == "\"wasm-bindgen\"") } \
    hit && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' /Cargo.lock > /version \
    && test -s /version

FROM rust:${RUST_VERSION}-bookworm AS build
# A release build of cargo-leptos takes several times as long and does the same work.
ARG CARGO_LEPTOS_VERSION=0.3.11
RUN rustup target add wasm32-unknown-unknown
RUN CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-leptos --version "${CARGO_LEPTOS_VERSION}" --locked --debug
COPY --from=wasm-bindgen-version /version /wasm-bindgen-version
RUN CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install wasm-bindgen-cli --version "$(cat /wasm-bindgen-version)"
COPY --from=npm /usr/local/bin/node /usr/local/bin/node
COPY --from=npm /npm/node_modules /build/node_modules
ENV PATH=/build/node_modules/.bin:$PATH
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    rm -rf target/site \
    && cargo leptos build --release --split --precompress \
    && cp target/release/rapport /rapport

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin rapport
COPY --from=build /rapport /usr/local/bin/rapport
USER 10001
ENV RAPPORT_ADDRESS=0.0.0.0:3000
EXPOSE 3000
# The image holds no HTTP client, so bash asks.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD bash -c 'exec 3<>/dev/tcp/127.0.0.1/3000 && printf "GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3 && read -r _ status _ <&3 && [ "$status" = 200 ]'
ENTRYPOINT ["rapport"]
CMD ["serve"]
