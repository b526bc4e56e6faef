#!/bin/sh
# Starts what a job runs.
exec "$@"
