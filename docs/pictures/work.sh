# Prints what a real tool would, and takes its time: work.sh WHAT ARCH
case $1 in
  toolchain) count=8 line='  \033[32mBUILD\033[0m   gcc-%s stage %d\n' ;;
  kernel) count=14 line='  \033[36mCC\033[0m      arch/%s/kernel/setup-%d.o\n' ;;
  packages) count=12 line='  resolving %s layer %d: 38 packages\n' ;;
  image) count=6 line='  layer %s/%d written\n' ;;
  boot) count=5 line='[    %s] \033[1mstep %d\033[0m ok\n' ;;
esac
# A task is longer on some architectures than on others.
pause=0.$((10 + ${#2} * 2))
for ((at = 1; at <= count; at++)); do
  # shellcheck disable=SC2059 # The format is ours.
  printf "$line" "$2" "$at"
  sleep "$pause"
done
if [ "$1" = boot ] && [ -e broken ]; then
  printf '\033[1;31mKernel panic\033[0m: not syncing: no working init found\n'
  exit 1
fi
