#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sudo packaging/fresh.sh [trixie|bookworm] [demo|test|COMMAND]: what README.md says to somebody with a fresh Debian,
# tried in one: a minimal debootstrap with nothing but what README says to install first, a user who may use sudo, a
# clone of this checkout in that user's home directory of mode 0700, and then by sudo COMMAND, twice, or
#   demo  npm run demo, twice (the default)
#   test  npm test, once, and its output as it comes
# Says how long each took, its CPU, and what was downloaded. Takes Debian from where this machine takes it, and npm
# packages too. Nothing is left behind.
# CI does not run it, because each run downloads some 250 MB from mirrors that others pay for, and fails when one of
# them is away.
#
# Debian 12's own Node is too old: there it is unpacked from nodejs.org, as README says, or where that cannot be
# reached from what the npm registry has of it, which is the same program.
set -eu
release=${1:-trixie}
command=${2:-demo}
times="first second" show=
case $command in
demo) command="npm run demo" ;;
test) command="npm test" ;;
esac
case $command in
"npm test"*) times=first show=yes ;;
esac
checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
[ "$(id -u)" -eq 0 ] || { echo "fresh: needs root: sudo packaging/fresh.sh" >&2; exit 1; }
case $release in
trixie) packages="nodejs npm git sudo ca-certificates" ;;
bookworm) packages="git sudo ca-certificates curl xz-utils" ;;
*) echo "fresh: the releases are trixie and bookworm" >&2; exit 2 ;;
esac
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' | sed -n 's/ Debian$//p' | head -n 1)
registry=$(npm config get registry)
# A Node that nodejs.org has, and the npm that is in it.
node=20.20.2
npm=10.8.2
root=$(mktemp -d /var/tmp/ctga-fresh-XXXXXX)

chmod 755 "$root"
# Mounts are in a namespace that ends with the command.
trap 'rm -rf --one-file-system "$root" "$root.log"' EXIT
inside=
# What begins a namespace takes no signal but this one, and takes all that is in it along.
trap '[ -z "$inside" ] || kill -KILL "$inside"; exit 130' INT TERM
say() { printf 'fresh: %s\n' "$*" >&2; }

say "debootstrap of $release"
debootstrap --variant=minbase "$release" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
	tail -n 5 "$root.log" >&2
	exit 1
}
rm "$root.log"
# What this machine knows of mirrors and registries, and how to reach them.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# debootstrap leaves it to the installer, and the lab's processes have one of their own in its place.
[ -e "$root/etc/hosts" ] || echo '127.0.0.1 localhost' >"$root/etc/hosts"
rm -rf "$root/etc/apt/apt.conf.d"
cp -r /etc/apt/apt.conf.d "$root/etc/apt/"
rm -f "$root/etc/apt/apt.conf.d/docker-clean"
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
cat >"$root/try" <<'TRY'
set -eu
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t devpts devpts /dev/pts
# What every machine has besides.
mount -t tmpfs -o mode=1777 shm /dev/shm
[ -e /dev/net/tun ] || { mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200; }
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get -q update >/dev/null
# shellcheck disable=SC2086 # a list of words
apt-get -q -y --no-install-recommends install $PACKAGES >/dev/null
apt-get clean
# The same Node by both ways.
case $(dpkg --print-architecture) in
amd64) arch=x64 ;;
*) arch=$(dpkg --print-architecture) ;;
esac
if [ "$RELEASE" = bookworm ]; then
	cd /usr/local
	if curl -fsSL -m 300 "https://nodejs.org/dist/v$NODE/node-v$NODE-linux-$arch.tar.xz" 2>/dev/null >/tmp/node.tar.xz; then
		from=nodejs.org
		tar -xJf /tmp/node.tar.xz --strip-components=1 --exclude='*.md' --exclude=LICENSE
	else
		from="the npm registry"
		curl -fsSL "$REGISTRY/node-linux-$arch/-/node-linux-$arch-$NODE.tgz" >/tmp/node.tgz
		tar -xzf /tmp/node.tgz --strip-components=1 --no-same-owner package/bin package/include
		mkdir -p lib/node_modules/npm
		curl -fsSL "$REGISTRY/npm/-/npm-$NPM.tgz" | tar -xzC lib/node_modules/npm --strip-components=1 --no-same-owner
		ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm
		ln -s ../lib/node_modules/npm/bin/npx-cli.js bin/npx
	fi
	rm -f /tmp/node.tgz /tmp/node.tar.xz
	echo "Node $(node --version) from $from"
fi
npm config set --location=global registry "$REGISTRY"
npm config set --location=global cafile /etc/ssl/certs/ca-certificates.crt
useradd --create-home --shell /bin/sh somebody
echo 'somebody ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/somebody
chmod 700 /home/somebody
cd /home/somebody
git -c safe.directory='*' clone -q /checkout.git 'ctga (1)'
chown -R somebody: .
cd 'ctga (1)'
received() { awk -F '[: ]+' 'NR > 2 && $2 != "lo" { sum += $3 } END { printf "%d\n", sum / 1e6 }' /proc/net/dev; }
# shellcheck disable=SC2086 # a list of words
for which in $TIMES; do
	before=$(received)
	began=$(date +%s.%N)
	{
		runuser -u somebody -- sh -c "sudo $COMMAND && times" 2>&1 || echo "status $?"
	} | if [ -n "$SHOW" ]; then tee /tmp/said; else cat >/tmp/said; fi
	cpu=$(tail -n 1 /tmp/said)
	case $cpu in
	status*)
		[ -n "$SHOW" ] || tail -n 40 /tmp/said
		printf '%s time: failed after %.0f s\n' "$which" "$(awk "BEGIN { print $(date +%s.%N) - $began }")"
		exit "${cpu#status }"
		;;
	esac
	printf '%s time: %.0f s, CPU %s, %s MB received\n' "$which" \
		"$(awk "BEGIN { print $(date +%s.%N) - $began }")" "$cpu" $(($(received) - before))
done
[ -n "$SHOW" ] || grep -v '^[0-9]*m' /tmp/said | tail -n 20
TRY
git clone -q --bare "$checkout" "$root/checkout.git"
say "$command, in it"
# Its root is a mount, as that of any machine: ip netns exec asks for one.
PACKAGES=$packages REGISTRY=${registry%/} RELEASE=$release NODE=$node NPM=$npm COMMAND=$command TIMES=$times SHOW=$show \
	unshare --mount --uts --pid --fork --kill-child \
	sh -c 'hostname fresh && mount --bind "$0" "$0" && exec chroot "$0" sh /try' "$root" &
inside=$!
wait "$inside"
