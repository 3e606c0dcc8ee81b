# Firn in a container. See docs/OPERATING.md "Containers"; compose.yaml puts Caddy in front.

FROM node:24-bookworm AS build
# For better-sqlite3 and argon2, where they have no finished binary for the platform.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /firn
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json tsconfig.web.json vite.config.ts ./
COPY src src
COPY migrations migrations
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    FIRN_STORAGE=/data
WORKDIR /firn
COPY --from=build /firn/package.json ./
COPY --from=build /firn/node_modules node_modules
COPY --from=build /firn/dist dist
COPY migrations migrations
COPY bin bin
# `docker compose exec firn firn user list`. The volume takes over the owner and mode of /data.
RUN ln -s /firn/bin/firn.js /usr/local/bin/firn \
 && install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 8080
# A certificate of its own (tlsCertificate) makes this https: override it then.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.FIRN_PORT || 8080}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node, not npm, gets SIGTERM. Without TLS Firn listens on loopback, inside the container too, unless a configuration file
# says "allowPlainHttpBeyondLoopback": true (docker/firn.config.json does, for a proxy on the same private network).
CMD ["node", "dist/main.js"]
