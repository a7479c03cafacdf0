"""What bash, zsh and fish complete behind a line, with the completions of an installation's `share`."""

import os
import pty
import re
import select
import subprocess
import time

BASH = """
source /usr/share/bash-completion/bash_completion
# Without a line editor there is nothing to say it to.
compopt() {{ :; }}
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_WORDS=("${{@:2}}") COMP_CWORD=$(($# - 2))
__load_completion "${{COMP_WORDS[0]}}"
command=${{COMP_WORDS[0]##*/}}
definition=$(complete -p "$command") || exit 3
[[ $definition =~ -F\\ ([^ ]+) ]] && "${{BASH_REMATCH[1]}}" "$command" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
(( ${{#COMPREPLY[@]}} )) && printf '%s\\n' "${{COMPREPLY[@]}}"
exit 0
"""


def environment(share, home):
    return {"PATH": f"{share}/../bin:/usr/bin:/bin", "HOME": str(home), "XDG_DATA_DIRS": f"{share}:/usr/share", "TERM": "dumb", "LANG": "C.UTF-8"}


def bash(line, share, home):
    # As readline splits a line: COMP_WORDBREAKS.
    words = [word for word in re.findall(r"[=:]+|[^\s=:]+|\s+", line) if not word.isspace()] + ([""] if line[-1] in " =:" else [])
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH.format(), "bash", line, *words], env=environment(share, home), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return set(done.stdout.split("\n")) - {""}


def fish(line, share, home):
    done = subprocess.run(["fish", "-c", "complete -C $argv[1]", line], env=environment(share, home), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return {match.split("\t")[0] for match in done.stdout.split("\n")} - {""}


# A widget that completes, and a compadd that writes down what it is about to offer.
ZSH = """
PS1= RPS1= ; unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
fpath=({share}/zsh/site-functions $fpath)
autoload -Uz compinit && compinit -u -d {home}/zcompdump
compadd() {{
  if (( ${{argv[(I)-[OAD]*]}} < ${{argv[(i)(-|--)]}} && ${{argv[(I)-[OAD]*]}} )); then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"
  print -rl -- $hits >>{home}/hits
  builtin compadd "$@"
}}
write-completions() {{ zle complete-word; BUFFER=; print done >{home}/done; }}
zle -C complete-word complete-word _main_complete
zle -N write-completions
bindkey '^I' write-completions
print ready >{home}/ready
"""


def zsh(line, share, home):
    for file in ("hits", "done", "ready"):
        (home / file).unlink(missing_ok=True)
    (home / "setup").write_text(ZSH.format(share=share, home=home))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/usr/bin/zsh", ["zsh", "-f", "-i"], environment(share, home))
    try:
        os.write(terminal, f"source {home}/setup\n".encode())
        drain(terminal, home / "ready")
        os.write(terminal, f"{line}\t".encode())
        drain(terminal, home / "done")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return set((home / "hits").read_text().split("\n")) - {""} if (home / "hits").exists() else set()


def drain(terminal, file):
    """Reads what the shell shows until it has written `file`."""
    shown, deadline = b"", time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, shown.decode(errors="replace")
        if select.select([terminal], [], [], 0.02)[0]:
            shown += os.read(terminal, 4096)


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
