"""Completion scripts for bash and zsh, in place of Typer's: these quote names and add no space after `=`.

Both ask the program for plain values, one a line, through the variables of Typer's own scripts.
"""

from __future__ import annotations

from typer import _completion_shared

BASH = """
%(complete_func)s() {
    local IFS=$'\\n' value current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    for value in $(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(autocomplete_var)s=complete_bash "$1"); do
        case $current in
            \\"*|\\'*) COMPREPLY+=("$value") ;;
            *) COMPREPLY+=("$(printf '%%q' "$value")") ;;
        esac
    done
    if [[ ${COMPREPLY[0]-} == *= ]]; then
        compopt -o nospace
    fi
}

complete -o default -F %(complete_func)s %(prog_name)s
"""

ZSH = """
#compdef %(prog_name)s

%(complete_func)s() {
  local line value
  local -a whole begun
  for line in "${(@f)$(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _TYPER_COMPLETE_FISH_ACTION=get-args \\
      %(autocomplete_var)s=complete_fish %(prog_name)s)}"; do
    value="${line%%%%$'\\t'*}"
    if [[ $value == *= ]]; then
      begun+=("$value")
    elif [[ $line == *$'\\t'* ]]; then
      whole+=("${value//:/\\\\:}:${line#*$'\\t'}")
    elif [[ -n $value ]]; then
      whole+=("${value//:/\\\\:}")
    fi
  done
  (( $#whole )) && _describe '' whole
  (( $#begun )) && compadd -S '' -- $begun
  (( $#whole + $#begun )) || _files
}

compdef %(complete_func)s %(prog_name)s
"""


def use_own_scripts() -> None:
    """Makes `--install-completion` and `--show-completion` give these scripts."""
    _completion_shared._completion_scripts.update(bash=BASH, zsh=ZSH)
