"""Every command of a binary: what --help tells, each shell completes, and each manual page is about.

The tree is read from --help, page by page, so that completion and manual pages are held against
something else than themselves.
"""
import os
import pathlib
import pty
import re
import select
import shlex
import subprocess
import time

PATIENCE_S = 60


class Program:
    """A binary of ours that the shells find by its name."""

    def __init__(self, binary, folder):
        self.binary = pathlib.Path(binary).resolve()
        self.name = self.binary.name
        self.folder = pathlib.Path(folder)  # for what a check writes
        self.environment = {"PATH": f"{self.binary.parent}:/usr/local/bin:/usr/bin:/bin",
                            "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}

    def run(self, *words, **options):
        return subprocess.run([str(word) for word in words], env=self.environment, cwd=self.folder,
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options)

    def help(self, path):
        done = self.run(self.name, *path, "--help")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commands(self, path=()):
        """Each command as a tuple of words, parents first."""
        section = re.search(r"^Commands\n((?:  .*\n)+)", self.help(path), re.M)
        found = []
        for name in re.findall(r"^  (\S+)", section[1], re.M) if section else []:
            found += [(*path, name), *self.commands((*path, name))]
        return found

    def unfinished(self, path):
        """The line of somebody who has one letter of the command still to type."""
        return " ".join((self.name, *path))[:-1]


def missing_manual_pages(program):
    """Complaints about the pages of all commands."""
    pages = program.folder / "man1"
    assert program.run(program.name, "man", "--dir", pages).returncode == 0
    wanted = {"_".join((program.name, *path)) for path in [(), *program.commands()]}
    there = {page.stem for page in pages.glob("*.1")}
    complaints = [f"no page {name}" for name in sorted(wanted - there)]
    complaints += [f"page {name} is about nothing" for name in sorted(there - wanted)]
    lint = program.run("mandoc", "-T", "lint", "-W", "warning", *sorted(pages.glob("*.1")))
    # What is built outside of version control has no date.
    complaints += [line for line in lint.stdout.splitlines() if "missing date" not in line]
    for name in sorted(wanted & there):
        shown = program.run("man", "-l", pages / f"{name}.1")
        if shown.returncode != 0 or shown.stderr or f"{name} - " not in re.sub(r" +", " ", shown.stdout):
            complaints.append(f"page {name} does not render: {shown.stderr}")
    return complaints


BASH = r"""
source <({name} completion bash)
function=$(complete -p {name} | sed 's/.*-F \([^ ]*\).*/\1/')
while IFS= read -r line; do
  read -ra COMP_WORDS <<<"$line"
  COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE=$line COMP_POINT=${{#line}} COMPREPLY=()
  $function
  echo "${{COMPREPLY[*]}}"
done
"""

FISH = """
{name} completion fish | source
while read line
  echo (complete -C $line | string split -f 1 \\t)
end
"""

# compadd as the completion calls it, except that what it is told is written down.
ZSH = r"""
autoload -Uz compinit && compinit -u -D
source <({name} completion zsh)
compadd() {{
  local -a found
  builtin compadd -O found "$@"
  offered+=("${{found[@]}}")
  builtin compadd "$@"
}}
offer-all() {{
  local line
  while IFS= read -r line; do
    offered=() BUFFER=$line CURSOR=$#line
    zle offer
    print -r -- "${{offered[*]}}" >>answers
  done <lines
  BUFFER= ; print done >ended
}}
zle -C offer list-choices _main_complete
zle -N offer-all
bindkey '^T' offer-all
print READY
"""


def offered_by_bash(program, lines):
    done = program.run("bash", "--norc", "-c", BASH.format(name=program.name), input="\n".join(lines) + "\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def offered_by_fish(program, lines):
    done = program.run("fish", "--no-config", "-c", FISH.format(name=program.name),
                       input="\n".join(lines) + "\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def offered_by_zsh(program, lines):
    """An interactive zsh on a terminal of its own: its completion works nowhere else."""
    (program.folder / "lines").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (program.folder / "setup").write_text(ZSH.format(name=program.name), encoding="utf-8")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(program.folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], program.environment)
    try:
        os.write(terminal, b"source ./setup\n")
        wait_for(terminal, lambda seen: b"READY\r\n" in seen)
        os.write(terminal, b"\x14")
        wait_for(terminal, lambda _: (program.folder / "ended").exists())
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return (program.folder / "answers").read_text(encoding="utf-8").splitlines()


def wait_for(terminal, condition):
    """Reads what the terminal shows until `condition` of all of it holds."""
    seen = b""
    deadline = time.monotonic() + PATIENCE_S
    while not condition(seen):
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65536)


SHELLS = {"bash": offered_by_bash, "fish": offered_by_fish, "zsh": offered_by_zsh}


def commands_not_completed(program, shell):
    """Lines at whose end the shell does not offer the command."""
    paths = program.commands()
    lines = [program.unfinished(path) for path in paths]
    answers = SHELLS[shell](program, lines)
    assert len(answers) == len(lines), answers
    return [f"{shlex.quote(line)}: {answer}" for path, line, answer in zip(paths, lines, answers)
            if path[-1] not in answer.split()]
