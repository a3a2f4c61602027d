#!/bin/sh
# Run by `cargo xtask test package`, as the superuser of a clean system that is thrown away afterwards: installs the package
# in /packages that is named, uses it as a user would, and removes it. Says what it does; ends with 1 at the first thing
# that is not as promised.
set -eu

deb=$1
package=$(dpkg-deb --field "$deb" Package)
home=/home/admin
data=$home/.local/share/sync-monitor
source=00D5g000004Xy9A

say() { echo "· $*"; }
fail() {
    echo "FAILED: $*" >&2
    for log in $home/*.log; do [ -f "$log" ] && tail -n 20 "$log" >&2; done
    exit 1
}
user() { runuser -u admin -- env HOME=$home "$@"; }
# Waits for up to a minute until a command succeeds.
await() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || fail "$what: not within a minute"
        sleep 0.2
    done
}
is_gone() { [ ! -e "$1" ]; }
member() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
# Everything on the disk but what packages of the system keep books of, and what belongs to users.
everything() {
    find / -xdev \( -path /tmp -o -path /home -o -path /run -o -path /packages -o -path /root \) -prune -o -print |
        grep -v -E '^/var/(cache|log|lib/dpkg)/|/(mimeinfo|icon-theme)\.cache$' | LC_ALL=C sort
}
# Posts a change as an integration does, with the data folder and the transaction.
post() {
    url=$(member url <"$1/api.json")
    token=$(user sync-monitor --data-dir "$1" token create --name "$2" --source-org $source --json | member token)
    answer=$(curl --silent --show-error "$url/delivery/sync" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' -d '{ "transactionId": "'"$2"'", "sourceOrgId": "'$source'",
            "timestamp": "'"$(date -u +%FT%T.000Z)"'", "operation": "upsert",
            "records": [ { "externalId": "WI-9000", "title": "Add revenue report" } ] }')
    echo "$answer" | grep -q '"success": *true' || fail "the change was not taken: $answer"
}
is_synced() { user sync-monitor --data-dir "$1" items list --search "$2" --json | grep -q '"status": *"synced"'; }
has_window() { xwininfo -root -tree | grep -q '"Sync Monitor'; }
# The main job: a change is taken, and delivered to the org that it is meant for.
relay() {
    post "$1" "$2"
    await "the change is delivered" is_synced "$1" "$2"
}
useradd --create-home admin
everything >/tmp/before

say "installing $package"
if [ "$package" = sync-monitor ]; then
    # Whoever had the package for servers gets this one in its place.
    dpkg --install /packages/sync-monitor-server_*.deb >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
fi
dpkg --install "$deb" >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'sync-monitor*' | sed -n 's/^installed //p')
[ "$installed" = "$package" ] || fail "it is not alone: $installed"
dpkg --verify "$package" || fail "what was installed is not what was packed"
user sync-monitor --version
[ "$package" = sync-monitor ] || is_gone /usr/bin/sync-monitor-desktop || fail "a server has the window"

say "without a window: a change of the demo is taken and delivered"
demo=$home/demo
user sync-monitor serve --demo --listen 127.0.0.1:0 --data-dir $demo 2>$home/demo.log &
await "the program answers" test -s $demo/api.json
user sync-monitor --data-dir $demo status | head -n 1
relay $demo txn_served
kill -TERM "$(member pid <$demo/api.json)"
wait $! || fail "the program did not end cleanly"
is_gone $demo/sync-monitor.db || fail "the demo left its data"

say "without a window: on the user's own data"
user sync-monitor serve --listen 127.0.0.1:0 2>$home/service.log &
await "the program answers" test -s $data/api.json
user sync-monitor status | head -n 1
user sync-monitor token create --name kept --source-org $source --json >/dev/null
kill -TERM "$(member pid <$data/api.json)"
wait $! || fail "the program did not end cleanly"

if [ "$package" = sync-monitor ]; then
    user Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp >/tmp/display 2>$home/xvfb.log &
    await "the display is there" test -s /tmp/display
    DISPLAY=:$(cat /tmp/display)
    DBUS_SESSION_BUS_ADDRESS=$(user dbus-daemon --session --fork --print-address)
    export DISPLAY DBUS_SESSION_BUS_ADDRESS GDK_BACKEND=x11 LIBGL_ALWAYS_SOFTWARE=1 NO_AT_BRIDGE=1

    say "in a window: started from its desktop file, on the user's own data"
    entry=/usr/share/applications/sync-monitor-desktop.desktop
    user gio mime x-scheme-handler/sync-monitor | grep -q sync-monitor-desktop.desktop || fail "links do not lead to it"
    user gio launch $entry 2>$home/window.log
    await "the engine answers" test -s $data/api.json
    await "the window is there" has_window
    user sync-monitor token list | grep -q kept || fail "the window works on other data"
    # The action of the desktop file: the program that runs shows what failed.
    failed=$(sed -n '/^\[Desktop Action failed\]/,$ s/^Exec=//p' $entry)
    user $failed || fail "$failed"
    kill -TERM "$(member pid <$data/api.json)"
    await "the program ends" is_gone $data/api.json

    say "in a window: a change of the demo is taken and delivered"
    user sync-monitor --demo --listen 127.0.0.1:0 --data-dir $demo 2>$home/window.log &
    await "the engine answers" test -s $demo/api.json
    await "the window is there" has_window
    relay $demo txn_shown
    kill -TERM "$(member pid <$demo/api.json)"
    wait $! || fail "the program did not end cleanly"
fi

say "removing $package"
dpkg --remove "$package" >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
dpkg --purge "$package" >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
everything >/tmp/after
diff /tmp/before /tmp/after || fail "this was left behind"
[ -s $data/sync-monitor.db ] || fail "the user's data is gone"
say "nothing is left but the user's data"
