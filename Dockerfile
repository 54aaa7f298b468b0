# docker build -t voxtale .
# your own studio, on this machine only (the library is yours, not root's; hence the folder first and the user):
#   mkdir -p library && docker run --network host --user "$(id -u):$(id -g)" -v ./library:/app/library voxtale
# a public demo, sample voices only:
#   docker run -p 7860:7860 -e HOST=0.0.0.0 -e VOXTALE_PUBLIC_DEMO=true voxtale
# in a Hugging Face Space, whose proxy tells the visitors' addresses, these are its variables:
#   HOST=0.0.0.0  VOXTALE_PUBLIC_DEMO=true  VOXTALE_TRUSTED_PROXIES=10.0.0.0/8
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
# whoever it runs as may have no home of their own: what packages cache goes to /tmp
ENV PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HOST=127.0.0.1 \
    PORT=7860 \
    VOXTALE_HOME=/app/library
VOLUME /app/library
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import http.client, os, sys; studio = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); studio.request('GET', '/healthz'); sys.exit(studio.getresponse().status != 200)"]

CMD ["python", "app.py", "serve"]
