# One image for bot and worker. The lock's torch is the CUDA build with its libraries: the same image runs on a GPU
# (with the NVIDIA container toolkit on the host) and on the CPU.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    COLUMNS=160 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NUMBA_CACHE_DIR=/tmp \
    MPLCONFIGDIR=/tmp \
    XDG_CACHE_HOME=/tmp \
    DATA_DIR=/data

RUN useradd --create-home --uid 10001 singer && install --directory --owner=singer --group=singer /data
WORKDIR /app

COPY requirements.lock ./
RUN pip install --no-deps -r requirements.lock

COPY pyproject.toml README.md LICENSE LICENSE-APACHE-2.0 NOTICE ./
COPY files files
COPY models models
COPY pipeline pipeline
COPY store store
COPY metrics metrics
COPY worker worker
COPY bot bot
COPY cli cli
COPY lab lab
COPY demo/ATTRIBUTION.md demo/ATTRIBUTION.md
RUN pip install --no-deps --no-build-isolation .

USER singer
VOLUME /data
ENTRYPOINT ["discovervoice"]
CMD ["--help"]
