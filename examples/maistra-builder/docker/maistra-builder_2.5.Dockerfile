# A stand-in for the real one: what a job of Maistra 2.5 finds in its image, on both architectures.
FROM scratch
ARG TARGETARCH
COPY --chmod=755 scripts/entrypoint.sh /usr/local/bin/entrypoint
ENV ISTIO=1.18 GO=1.20.14 BAZEL=6.3.2
ENV BUILDER_ARCH=$TARGETARCH
ENTRYPOINT ["/usr/local/bin/entrypoint"]
