# SpeechAgents for self-hosting: docker build -t speechagents . && docker run -p 7860:7860 -v studio:/data speechagents
# Its steps are those of .ci/run: a fresh virtual environment and `python -m pip install .`.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 studio \
    && install --directory --owner=studio --group=studio /data /opt/studio
USER studio

RUN python3 -m venv /opt/studio/venv
ENV PATH=/opt/studio/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    SPEECHAGENTS_DATA=/data \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

WORKDIR /opt/studio/speechagents
COPY --chown=studio:studio . .
RUN python -m pip install .

VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/healthz', timeout=4)"]

# Whoever can reach the port may use the studio, unless there is a login: --auth-file /data/users
CMD ["python", "app.py"]
