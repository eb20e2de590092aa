# Finding and ending what a run of tests has left behind. Sourced, never run.
# shellcheck shell=bash

# Everything the run starts carries a mark in its environment, by which it is found again whatever became of its parents.
mark=EGRET_TEST_RUN=$$-$RANDOM$RANDOM
marked() {
    { grep -lsaF "$mark" /proc/[0-9]*/environ || true; } | cut -d/ -f3
}
sweep() {
    local pids
    for signal in TERM KILL KILL; do
        mapfile -t pids < <(marked)
        ((${#pids[@]})) || return 0
        kill "-$signal" "${pids[@]}" 2>/dev/null || true
        for _ in {1..30}; do
            [ -n "$(marked)" ] || return 0
            sleep 0.1
        done
    done
}
