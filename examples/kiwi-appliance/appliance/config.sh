#!/bin/bash
set -eu
echo appliance > /etc/hostname
