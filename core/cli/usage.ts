/** What `bt --help` prints. */
export const usage = `bt [TASK…] [NAME=VALUE…] [OPTION…] [-- WORD…]

  bt                          list the tasks (or run the default task)
  bt TASK                     run a task and what it needs
  bt TASK NAME=VALUE          give a param its value, as in make; also --name VALUE, TASK.NAME=VALUE
  bt TASK --help              the params of a task, what it needs, reads and makes, its last run
  bt TASK:CELL                one cell of a matrix task
  bt 'test:*'                 by glob

Run
      --tag T                 also the tasks with this tag
      --except P              but not those that this glob matches
  -n, --dry-run               say what would run; start nothing, write nothing
  -j, --jobs N                tasks at the same time; 50% of the CPUs is -j50%  (default: CPUs)
  -k, --keep-going            after a failure, run what does not need the failed task
      --fail-fast             after a failure, cancel what runs
  -B, --force                 run even if up to date
      --only[=force]          exactly these tasks, not their needs
  -l, --load-average X        start no further task while the load is above X
      --memory SIZE           what tasks that declare memory have together: 8GiB, 50%  (default: all)
      --disk SIZE             the same for disk: of what is free where the project is  (default: all)
      --timeout SECONDS       end the run after this time
      --ask                   ask on the terminal for params that must have a value and have none
  -y, --yes                   answer yes to confirmations
  -q, --question              run and print nothing: exit 0 if up to date, 1 if not
  -t, --touch                 run nothing, take what is there for done
      --clean                 remove the outputs of the tasks, or of all tasks
      --watch                 run again whenever a declared input or the builderfile changes
      --resume[=ID]           go on with a run that failed or was interrupted
      --replay ID             run it all again, and say what comes out otherwise

Keep
      --cache USE             off, read, write, only, or caches with their use: local:rw,remote:r
      --cache-gc              remove from the local cache what is too old or too much
      --remote                with -n, -q and --why: ask caches on other machines too
      --replay-log WHICH      output of restored tasks: all, failed, none

Show
      --output MODE           live, grouped, prefixed, stream, none, json
  -s, --quiet                 only failures and warnings
      --verbose               show the output of every task
      --trace FILE            write a Chrome trace of the run
      --report FILE           write a page of the run: graph, timeline, logs
      --ui                    serve that page while the run goes on; its address is on stderr
      --json                  data instead of text, for --list --why --graph --check --doctor --runs

Ask
      --list                  the tasks
      --why                   why the tasks would run, or why they are up to date
      --why --vs ID           what differs from a past run; --run ID from the run before it
      --audit                 run the tasks under strace; what they use without declaring it
      --graph[=mermaid|dot|json|html]
                              the tasks and their needs, drawn
      --check                 everything that can be proven without running
      --doctor                what is needed on this machine, and how to get the rest
      --runs                  past runs
      --logs TASK [--run ID]  what a task printed
      --report FILE [--run ID]
                              without a task: the page of a past run

Make
      --make-shim             rules for a Makefile, one for each task: bt --make-shim > bt.mk
      --make-shim --check F   the difference to that file; exit 1 if there is one
      --import-make [FILE]    a builderfile from a Makefile, and whether both run the same
      --import-make --recursive  and from the Makefiles that it calls
      --import-make --accept F   what differs is written to F; then only what is new counts
      --make                  take params from the variables of the make above

Start
      --init [TEMPLATE]       a builderfile for a new project; without a name bt asks
      --completion SHELL      completion for bash, zsh or fish: eval "$(bt --completion bash)"

Files
  -C, --directory DIR         start from another folder
  -f, --file FILE             another builderfile
  -h, --help                  this text; behind a task, its params
  -V, --version               the version of bt
`;
