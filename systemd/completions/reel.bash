# Completion of reel(1) for bash. What there is to complete, commands and options, the client says
# itself; which recordings there are, the sink that the command line leads to.

_reel_commands()
{
    reel --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# The options of a command, of every command where there is none: each with what it takes.
_reel_options()
{
    reel ${1:+"$1"} --help 2>/dev/null |
        sed -n -e h -e 's/^  \(-[a-zA-Z]\), --[a-z-]*\( \([^ ]*\)\)\{0,1\}  .*/\1 \3/p' \
            -e g -e 's/^  \(   \|-[a-zA-Z],\) \(--[a-z-]*\)\( \([^ ]*\)\)\{0,1\}  .*/\2 \4/p'
}

# Find the command, and the options that say which broker, in front of the cursor.
_reel_look()
{
    local takes=" $(_reel_options | sed -n 's/^\(-[^ ]*\) [^ ].*/\1/p' | tr '\n' ' ')" i word

    command= broker=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -* && $takes == *" $word "* ]]; then
            broker+=("$word" "${COMP_WORDS[++i]}")
        elif [[ $word != -* && -z $command ]]; then
            command=$word
        fi
    done
}

# The recordings, or with "device" who recorded them; nothing where no sink answers at once.
_reel_recordings()
{
    reel "${broker[@]}" list --timeout 1 --limit 500 2>/dev/null </dev/null |
        awk -v what="${1-}" 'NR > 1 { if (what == "device") sub("/.*", "", $1); print $1 }' | sort -u
}

# What an option takes: words to choose from, or - for files, / for folders.
_reel_values()
{
    case $1 in
    --cafile | --cert | --key | --out | -o) echo - ;;
    --spool) echo / ;;
    --state) echo recording complete ;;
    --end-reason) echo end idle upload limit ;;
    --encoding) echo pcm float alaw ulaw ;;
    --sort) echo started duration name -started -duration -name ;;
    --code) echo bad-request conflict too-large not-allowed jump late busy ;;
    --device) _reel_recordings device ;;
    --as) _reel_recordings ;;
    esac
}

_reel_reply()
{
    local flag=

    case $1 in
    -) flag=-f ;;
    /) flag=-d ;;
    esac
    if [[ $flag ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen "$flag" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
    fi
}

# What a command takes besides options: its usage says whether files or recordings.
_reel_argument()
{
    case $(reel "$command" --help 2>/dev/null | head -n 1) in
    *FILE...*) _reel_reply - ;;
    *DEVICE/SESSION*) _reel_reply "$(_reel_recordings)" ;;
    esac
}

_reel()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command broker

    COMPREPLY=()
    _reel_look
    if [[ $before == -* && -n $(_reel_options "$command" | sed -n "s/^$before \(.\)/\1/p") ]]; then
        _reel_reply "$(_reel_values "$before")"
    elif [[ $word == -* ]]; then
        _reel_reply "$(_reel_options "$command" | sed 's/ .*//')"
    elif [[ -z $command ]]; then
        _reel_reply "$(_reel_commands)"
    else
        _reel_argument
    fi
}
complete -F _reel reel
