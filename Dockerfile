# docker build -t voxtale .
# your own studio, on this machine only:  docker run --network host -v ./library:/app/library voxtale
# a public demo, sample voices only:      docker run -p 7860:7860 -e HOST=0.0.0.0 -e VOXTALE_PUBLIC_DEMO=true voxtale
FROM python:3.12-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-noto-cjk fontconfig \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 voxtale

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY LICENSE THIRD_PARTY.md README.md app.py ./
COPY models ./models
COPY pipelines ./pipelines
COPY studio ./studio
COPY assets ./assets
RUN python -m compileall -q app.py models pipelines studio \
 && install -d -o voxtale -g voxtale /app/library

USER voxtale
ENV PYTHONUNBUFFERED=1 \
    HOST=127.0.0.1 \
    PORT=7860 \
    VOXTALE_HOME=/app/library
VOLUME /app/library
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]

CMD ["python", "app.py", "serve"]
