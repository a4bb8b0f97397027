# One image for web, worker, beat and migrate. Configured by the environment alone.

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gettext libgdal32 \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
# The packages change less often than the code: a layer of their own.
COPY requirements.txt /build/
RUN pip install --require-hashes -r /build/requirements.txt
COPY . /app
WORKDIR /app
# Compiled messages and hashed, compressed static files are part of the image. The settings
# want secrets to be set; nothing that is made here is sealed with them.
RUN for po in locale/*/LC_MESSAGES/*.po; do \
        if [ -e "$po" ]; then msgfmt --check-format -o "${po%.po}.mo" "$po"; fi; \
    done \
    && BUREAU_SECRET_KEY=build BUREAU_FINGERPRINT_KEY=build BUREAU_SEAL_KEYS=build \
       BUREAU_STATIC_ROOT=/app/collected python manage.py collectstatic --noinput -v0 \
    && python -m compileall -q /app/bureau /app/venues /app/equipment /app/events \
       /app/vouchers /app/safety

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk libgdal32 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin bureau \
    && install -d -o bureau -g bureau /data/media /data/run
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=bureau.settings \
    BUREAU_STATIC_ROOT=/app/collected \
    BUREAU_MEDIA_ROOT=/data/media
WORKDIR /app
USER bureau
VOLUME /data/media
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=3 \
    CMD ["python", "deploy/healthcheck.py", "healthz"]
ENTRYPOINT ["tini", "--"]
CMD ["deploy/web"]
