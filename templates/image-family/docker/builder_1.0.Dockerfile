FROM scratch
COPY scripts /scripts
