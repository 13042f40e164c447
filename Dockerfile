# One image for every program of the development side and for the agent; what runs is the command.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node build.mjs

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# The bundles are ES modules; without this line beside them Node would have to guess.
RUN echo '{"type":"module"}' > package.json && mkdir /state && chown node:node /state
COPY --from=build /build/dist/*.js dist/
COPY --from=build /build/dist/page dist/page
USER node
VOLUME /state
CMD ["node", "dist/agent.js"]
