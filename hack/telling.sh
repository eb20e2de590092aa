# How the demos tell their story: steps, commands with what they said, and what held. Sourced after lib.sh.
# shellcheck shell=bash disable=SC2154 # The colours are lib.sh's.

number=0
step() {
    number=$((number + 1))
    printf '\n%s%2d. %s%s\n' "$bold" "$number" "$*" "$plain"
}
indented() { sed -u 's/^/      /'; }
command_line() { printf '    $ %s\n' "$*"; }

# Runs a command and shows both it and what it says. Its output stays in $said, its status is returned.
said=
show() {
    command_line "$*"
    local status=0
    said=$("$@" 2>&1) || status=$?
    [ -z "$said" ] || indented <<<"$said"
    return "$status"
}
# The same for a whole command line with pipes.
show_line() {
    command_line "$1"
    local status=0
    said=$(eval "$1" 2>&1) || status=$?
    [ -z "$said" ] || indented <<<"$said"
    return "$status"
}
held() { printf '    %s✓%s %s\n' "$green" "$plain" "$*"; }
broke() {
    printf '    %s✗%s %s\n' "$red" "$plain" "$*"
    exit 1
}
check() { # SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@"; then held "$sentence"; else broke "$sentence"; fi
}
said_has() { grep -qF -- "$1" <<<"$said"; }
# Asks again until it is so; for facts nothing announces.
eventually() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}
