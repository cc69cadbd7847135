# Common steps of both ways to install: from packages and from source. The
# script that includes this file sets the title.
export DEBIAN_FRONTEND=noninteractive
# tools/test has already run the tests of the package's build on both releases
export DEB_BUILD_OPTIONS=nocheck DEB_BUILD_PROFILES=nocheck
log=$(mktemp)

# Run a function and print its result.
check() {
	what=$1
	shift
	# not as a condition, in which "set -e" would be ignored
	(set -ex; "$@") >"$log" 2>&1
	if [ $? = 0 ]; then
		echo "ok   $title: $what"
	else
		echo "FAIL $title: $what"
		tail -n 60 "$log"
	fi
}

# Print the block of README that contains this text.
readme_block() {
	awk -v text="$1" '
		/^```/ && !block { block = 1; lines = ""; next }
		/^```/ { if (index(lines, text)) printf "%s", lines; block = 0 }
		block { lines = lines $0 "\n" }
	' README.md >/tmp/block
	[ -s /tmp/block ] && cat /tmp/block
}

# Run this block.
readme() {
	readme_block "$1" >/tmp/readme.sh && sh -ex /tmp/readme.sh
}

configure() {
	readme 'doveadm junk setup --yes'
	systemctl is-active dovecot
}

autopkgtest() {
	# debian/tests/control names the test and its dependencies
	grep -qx 'Tests: loop' debian/tests/control
	apt-get -y install $(sed -n 's/^Depends: @, //p' debian/tests/control |
		tr -d ,)
	debian/tests/loop
}

delivered() {
	check "delivered, moved, scored" autopkgtest
	grep '^\(ok  \|FAIL\) loop' "$log"
}

# apt must not ask questions
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes
apt-get -q update >/dev/null
