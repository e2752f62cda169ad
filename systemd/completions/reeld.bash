# Completion of reeld(8) for bash.

# settings: made by tests/tools/make_settings.py
_reeld_settings='
    broker.host= broker.port= broker.username= broker.password_file= broker.cafile=
    broker.cert= broker.key= broker.psk_identity= broker.psk_file= broker.prefix=
    broker.reply_allow= broker.keepalive_s= sink.name= store.dir= store.sync=
    session.idle_timeout_s= session.max_duration_s= hermes.enabled= hermes.sites=
    hermes.max_duration_s= ingest.commit_interval_ms= ingest.commit_bytes=
    limits.max_fragment_bytes= limits.max_gap_s= limits.max_gap_bytes=
    limits.max_response_bytes= limits.max_upload_bytes= limits.max_recordings_open=
    limits.new_recordings_per_minute= upload.formats= upload.overwrite=
    upload.max_audio_bytes= upload.max_bytes= upload.block_bytes= upload.expire_s=
    upload.max_open= quarantine.max_bytes= retention.min_free_bytes= homeassistant.enabled=
    homeassistant.prefix= metrics.textfile= log.level= rules.rates= rules.sample_sizes=
    rules.channels= rules.encodings= rules.min_duration_s= rules.max_duration_s=
    rules.max_bytes= rules.max_recordings= rules.max_fragments_per_s=
    rules.max_requests_per_s= retention.max_age_s= retention.max_bytes= device.silent_after_s=
'
# end of settings

_reeld_options()
{
    reeld --help 2>/dev/null |
        sed -n -e h -e 's/^  \(-[a-z]\)[ ,].*/\1/p' -e g \
            -e 's/^  \(  \|-[a-z],\) *\(--[a-z-]*\).*/\2/p'
}

_reeld()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

    COMPREPLY=()
    case $before in
    -c | --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    -o)
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W "$_reeld_settings" -- "$word")
        ;;
    *)
        # Behind "=", at which bash parts words, stands a setting's value.
        [[ $word == '=' || $before == '=' ]] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_reeld_options)" -- "$word")
        ;;
    esac
}
complete -F _reeld reeld
