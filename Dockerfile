# To pin an image by its digest, see docs/operations.md.
ARG NODE_IMAGE=node:24.20.0-trixie-slim
ARG PYTHON_IMAGE=python:3.13.18-slim-trixie

FROM ${NODE_IMAGE} AS pages
WORKDIR /app/frontend
COPY frontend .
RUN npm ci --silent --omit=dev && npm run build

FROM ${PYTHON_IMAGE}

WORKDIR /app
COPY requirements-extras.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-extras.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
COPY --from=pages /app/src/appoint/site/static src/appoint/site/static
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --system --home-dir /var/lib/appoint --create-home appoint

USER appoint
# Inside a container, 127.0.0.1 is unreachable from outside; the operator decides which host address to publish.
ENV APPOINT_HOST=0.0.0.0 APPOINT_DATA_DIR=/var/lib/appoint PYTHONUNBUFFERED=1
EXPOSE 8000
ENTRYPOINT ["appoint"]
CMD ["serve"]
