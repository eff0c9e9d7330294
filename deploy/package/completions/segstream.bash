# bash completion for segstream: asks the program, so it is never older than it.
_segstream() {
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]:-} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words=$("$program" help commands 2>/dev/null | cut -f 1)
        words+=' help version'
    elif [[ $current == -* ]]; then
        words=$("$program" "$command" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*=?' | sort -u)
        compopt -o nospace 2>/dev/null
    elif [[ $previous == -o || $previous == --output || ($previous == '=' && ${COMP_WORDS[COMP_CWORD - 2]} == --output) ]]; then
        words=$("$program" "$command" --help 2>/dev/null | sed -nE 's/.*--output=([a-z|]+).*/\1/p' | tr '|' ' ')
    elif [[ $command == schema ]]; then
        words='config metrics'
    elif [[ $command == topics ]] && ((COMP_CWORD == 2)); then
        words='plan apply'
    else
        compopt -o default 2>/dev/null
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _segstream segstream
