/** The scripts that teach bash, zsh and fish to ask bt at a TAB. Does not know what bt answers. */

import { optionWrong } from "../errors/request.ts";
import { print } from "./print.ts";

/** Prints the script of one shell. @throws BtError OPTION_WRONG */
export function showCompletion(shell: string): number {
  const script = scripts[shell];
  const known = Object.keys(scripts);
  if (script === undefined) throw optionWrong("--completion", shell, `one of ${known.join(", ")}`, known);
  print(script);
  return 0;
}

/** Shells by name, each with its script. Only the part of a word before the cursor counts. */
const scripts: Readonly<Record<string, string>> = {
  bash: String.raw`# Completion of bt for bash. Load it from ~/.bashrc: eval "$(bt --completion bash)"
_bt() {
  local rest=${"$"}{COMP_LINE:0:COMP_POINT} part program head kind behind value cut=
  local -a words=()
  COMPREPLY=()
  # Bash has split the line at : and =, too. What no blank stands before belongs to the word before it.
  for part in "${"$"}{COMP_WORDS[@]:0:COMP_CWORD}"; do
    if [[ ${"$"}{#words[@]} -eq 0 || $rest == [[:space:]]* ]]; then
      rest=${"$"}{rest#*"$part"}
      words+=("$part")
    else
      rest=${"$"}{rest#"$part"}
      words[${"$"}{#words[@]}-1]+=$part
    fi
  done
  if [[ $rest == [[:space:]]* ]]; then
    words+=("${"$"}{rest#"${"$"}{rest%%[![:space:]]*}"}")
  else
    words[${"$"}{#words[@]}-1]+=$rest
  fi
  program=${"$"}{words[0]/#\~/$HOME}
  type -P -- "$program" >/dev/null || program=bt
  local typed=${"$"}{words[${"$"}{#words[@]}-1]}
  words=("${"$"}{words[@]//[\"\'\\]/}")
  local current=${"$"}{words[${"$"}{#words[@]}-1]}
  {
    IFS=$'\t' read -r head kind behind
    if [[ -n $kind ]]; then
      compopt -o filenames 2>/dev/null
      value=${"$"}{current#"$behind"}
      [[ $COMP_WORDBREAKS == *=* ]] || cut=-$behind
      behind=${"$"}{cut#-} cut=
      while IFS= read -r part; do COMPREPLY+=("$behind$part"); done < <(
        if [[ $kind == folder ]]; then compgen -d -- "$value"; else compgen -f -- "$value"; fi
      )
      current=$behind$value
    fi
    while IFS=$'\t' read -r part _; do COMPREPLY+=("$part"); done
  } < <("$program" --complete "${"$"}{words[@]:1}" 2>/dev/null </dev/null)
  if [[ $head == open ]]; then compopt -o nospace 2>/dev/null; fi
  # Bash replaces only what stands behind the last place where it has split, unless the word is quoted.
  local breaks=${"$"}{COMP_WORDBREAKS//[^@=:]/}
  if [[ -n $breaks && $typed != [\"\']* ]]; then cut=${"$"}{current%"${"$"}{current##*["$breaks"]}"}; fi
  local at
  for at in "${"$"}{!COMPREPLY[@]}"; do
    part=${"$"}{COMPREPLY[at]#"$cut"}
    [[ -n $kind || $typed == [\"\']* || $part != *[!a-zA-Z0-9_@%+=:,./-]* ]] || printf -v part %q "$part"
    COMPREPLY[at]=$part
  done
}
complete -F _bt bt
`,
  zsh: String.raw`#compdef bt
# Completion of bt for zsh. Load it from ~/.zshrc, after compinit: eval "$(bt --completion zsh)"
_bt() {
  local current="${"$"}{(Q)PREFIX}" program=${"$"}{(Q)words[1]} line
  local -a answer head shown space
  (( $+commands[$program] )) || [[ -x ${"$"}{~program} ]] || program=bt
  answer=("${"$"}{(@f)$(${"$"}{~program} --complete "${"$"}{(@Q)words[2,CURRENT-1]}" "$current" 2>/dev/null </dev/null)}")
  head=("${"$"}{(@ps:\t:)answer[1]}")
  shift answer
  [[ $head[1] == open ]] && space=(-S '')
  if [[ -n $head[2] ]]; then
    compset -P "${"$"}{(b)head[3]}"
    if [[ $head[2] == folder ]]; then _files -/; else _files; fi
    return
  fi
  for line in "${"$"}{(@)answer}"; do
    [[ -n $line ]] && shown+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
  done
  (( $#shown )) && _describe -t bt bt shown "${"$"}{(@)space}"
}
if [[ $funcstack[1] == _bt ]]; then _bt "$@"; elif (( $+functions[compdef] )); then compdef _bt bt; fi
`,
  fish: String.raw`# Completion of bt for fish: bt --completion fish > ~/.config/fish/completions/bt.fish
function __bt_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    type -q -- "$program"; or set program bt
    set -l current (string unescape -- (commandline -ct); or commandline -ct)
    set -l answer (command $program --complete $words "$current" 2>/dev/null </dev/null)
    set -l head (string split \t -- $answer[1])
    set -e answer[1]
    if set -q head[2]
        set -l value (string sub --start (math (string length -- "$head[3]") + 1) -- "$current")
        set -l paths
        if test $head[2] = folder
            set paths (__fish_complete_directories "$value" '')
        else
            set paths (__fish_complete_path "$value")
        end
        for path in $paths
            printf '%s%s\n' "$head[3]" $path
        end
        return
    end
    test (count $answer) -gt 0; and printf '%s\n' $answer
end
complete -c bt -f -k -a '(__bt_complete)'
`,
};
