# A stand-in for the real one: what a job of Maistra 2.4 finds in its image.
FROM scratch
COPY --chmod=755 scripts/entrypoint.sh /usr/local/bin/entrypoint
ENV ISTIO=1.16 BAZEL=6.0.0
ENTRYPOINT ["/usr/local/bin/entrypoint"]
