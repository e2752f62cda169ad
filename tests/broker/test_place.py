"""Where a fragment goes: each row of the protocol's table, end to end, one fragment at a time."""
import pytest

from harness import Format, Recorder, assert_same_audio, fragment, read_ffmpeg, read_wave

YEAR_FRAMES = 365 * 24 * 3600 * 16000
YEAR_SEQS = 365 * 24 * 3600 * 50


def noise(frames, seed=0):
    return Format().noise(frames, seed)


def silence(frames):
    return Format().silence * frames


def audio_of(lab, recorder):
    """End the recording and return the audio of its file."""
    ended = len(lab.watcher.events(recorder.device, recorder.session, "completed"))
    recorder.end()
    lab.watcher.wait_event(recorder.device, recorder.session, "completed", count=ended + 1)
    form, audio = read_wave(lab.sink.wav(recorder.device, recorder.session))
    assert form == Format()
    return audio


def rejects_of(recorder):
    """(code, quarantine_id) of the recording's quarantined fragments, oldest first."""
    found = recorder.client.request(
        "rejects", {"device": recorder.device, "session": recorder.session}
    )["rejects"]
    return [(reject["code"], reject["quarantine_id"]) for reject in reversed(found)]


def events_of(lab, recorder):
    """The kinds of the recording's events, `started` and what ends it left away."""
    kinds = [event["event"] for event in lab.watcher.events(recorder.device, recorder.session)]
    return [kind for kind in kinds if kind not in ("started", "completed")]


# Appended


def test_without_numbers_is_appended(lab, recorder):
    for seed in (1, 2, 1):  # the same bytes again are no repeat: nothing shows it
        recorder.store(frames=100, seed=seed)
    assert_same_audio(audio_of(lab, recorder), noise(100, 1) + noise(100, 2) + noise(100, 1))
    assert recorder.info()["duplicates"] == 0


@pytest.mark.parametrize("numbers", ["seq", "frame", "both"])
def test_next_of_its_boot_is_appended(lab, recorder, numbers):
    expected = b""
    for n, frames in enumerate((100, 1, 57, 100)):
        fields = {"seq": n, "frame": len(expected) // 2}
        if numbers != "both":
            fields = {numbers: fields[numbers]}
        recorder.store(frames=frames, seed=n, **fields)
        expected += noise(frames, n)
    info = recorder.info()
    assert (info["fragments"], info["gap_frames"], info["gaps"], info["lost"]) == (4, 0, [], [])
    assert len(info["stretches"]) == 1
    assert_same_audio(audio_of(lab, recorder), expected)
    assert events_of(lab, recorder) == []


# Ahead


def test_gap_of_a_length_that_frame_tells(lab, recorder):
    recorder.store(frames=100, frame=0)
    recorder.store(frames=100, seed=1, frame=150)
    event = lab.watcher.wait_event(recorder.device, "s1", "gap")
    assert event["recording"]["session"] == "s1"
    info = recorder.info()
    assert (info["frames"], info["gap_frames"]) == (250, 50)
    assert info["missing_frames"] == [[100, 150]]
    assert [gap["inferred"] for gap in info["gaps"]] == [False]
    assert_same_audio(audio_of(lab, recorder), noise(100) + silence(50) + noise(100, 1))


def test_gap_of_a_length_inferred_from_uniform_fragments(lab, recorder):
    for seq in range(8):
        recorder.store(frames=160, seed=seq, seq=seq)
    recorder.store(frames=160, seed=10, seq=10)
    lab.watcher.wait_event(recorder.device, "s1", "gap")
    info = recorder.info()
    assert (info["frames"], info["gap_frames"]) == (11 * 160, 320)
    assert (info["missing"], info["lost"]) == ([[8, 9]], [])
    assert [gap["inferred"] for gap in info["gaps"]] == [True]
    expected = b"".join(noise(160, seq) for seq in range(8)) + silence(320) + noise(160, 10)
    assert_same_audio(audio_of(lab, recorder), expected)


@pytest.mark.parametrize("sizes", [[160] * 7, [160] * 7 + [159]], ids=["too few", "not uniform"])
def test_seq_alone_does_not_tell_the_length(lab, recorder, sizes):
    for seq, frames in enumerate(sizes):
        recorder.store(frames=frames, seed=seq, seq=seq)
    after = len(sizes) + 2
    recorder.store(frames=160, seed=after, seq=after)
    lab.watcher.wait_event(recorder.device, "s1", "discontinuity")
    info = recorder.info()
    assert (info["gap_frames"], info["missing"]) == (0, [])
    assert info["lost"] == [[len(sizes), after - 1]]
    expected = b"".join(noise(frames, seq) for seq, frames in enumerate(sizes))
    assert_same_audio(audio_of(lab, recorder), expected + noise(160, after))


def test_gap_with_both_numbers_names_both(recorder):
    recorder.store(frames=100, seq=0, frame=0)
    recorder.store(frames=100, seed=1, seq=3, frame=300)
    info = recorder.info()
    assert (info["missing"], info["missing_frames"]) == ([[1, 2]], [[100, 300]])


@pytest.mark.parametrize("form", [Format(1, 8000, 1), Format(2, 8000, 1, "alaw"),
                                  Format(1, 8000, 1, "ulaw"), Format(2, 48000, 3),
                                  Format(1, 48000, 4, "float")], ids=str)
def test_gap_is_filled_with_what_the_encoding_calls_silence(lab, client, device, form):
    recorder = Recorder(client, device, form=form)
    recorder.store(frames=10, frame=0)
    recorder.store(frames=10, seed=1, frame=5010)
    recorder.end()
    lab.watcher.wait_event(device, "s1", "completed")
    expected = form.noise(10) + form.silence * 5000 + form.noise(10, 1)
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "s1")), expected, form)


def test_gap_of_as_much_as_is_allowed_and_no_more(make_lab):
    lab = make_lab({"limits.max_gap_s": 2})
    client = lab.client()
    most, more = Recorder(client, "mic", "most"), Recorder(client, "mic", "more")
    for recorder in (most, more):
        recorder.store(frames=100, frame=0)
    most.store(frames=100, seed=1, frame=100 + 32000)
    assert most.info()["gap_frames"] == 32000
    assert more.refused(frames=100, seed=1, frame=100 + 32001)["code"] == "jump"


def test_gap_in_bytes_is_bounded_too(make_lab):
    lab = make_lab({"limits.max_gap_bytes": 1024})
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=100, frame=0)
    assert recorder.refused(frames=100, seed=1, frame=613)["code"] == "jump"
    recorder.store(frames=100, seed=2, frame=612)
    assert recorder.info()["gap_frames"] == 512


# Ahead by more


def test_stray_jump_waits_and_moves_nothing(lab, recorder):
    recorder.store(frames=100, seq=0, frame=0)
    error = recorder.refused(frames=100, seed=9, seq=YEAR_SEQS, frame=YEAR_FRAMES)
    assert error["code"] == "jump" and error["message"]
    recorder.store(frames=100, seed=1, seq=1, frame=100)
    info = recorder.info()
    assert (info["frames"], info["gap_frames"], info["next_seq"]) == (200, 0, 2)
    assert [code for code, _ in rejects_of(recorder)] == ["jump"]
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


@pytest.mark.parametrize("numbers", ["seq", "frame", "both"])
def test_recorder_that_was_away_for_a_year_goes_on(lab, recorder, numbers):
    def send(how, n, away, **options):
        fields = {"seq": n + (YEAR_SEQS if away else 0),
                  "frame": 160 * n + (YEAR_FRAMES if away else 0)}
        if numbers != "both":
            fields = {numbers: fields[numbers]}
        return how(frames=160, seed=n, **fields, **options)

    for n in range(10):
        send(recorder.store, n, away=False)
    assert send(recorder.refused, 10, away=True)["code"] == "jump"
    send(recorder.store, 11, away=True)
    send(recorder.store, 12, away=True)
    lab.watcher.wait_event(recorder.device, "s1", "discontinuity")
    info = recorder.info()
    assert (info["gap_frames"], len(info["stretches"])) == (0, 2)
    if numbers != "frame":
        assert info["lost"] == [[10, YEAR_SEQS + 9]]
        assert info["next_seq"] == YEAR_SEQS + 13
    assert_same_audio(audio_of(lab, recorder), b"".join(noise(160, n) for n in range(13)))


def test_two_strays_that_do_not_follow_each_other_confirm_nothing(lab, recorder):
    recorder.store(frames=100, frame=0)
    for seed, years in ((5, 1), (6, 3), (7, 2)):
        assert recorder.refused(frames=100, seed=seed, frame=years * YEAR_FRAMES)["code"] == "jump"
    recorder.store(frames=100, seed=1, frame=100)
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


# The first of its recording


def test_first_not_at_frame_0_has_silence_before_it(lab, recorder):
    recorder.store(frames=100, frame=50)
    info = recorder.info()
    assert (info["frames"], info["missing_frames"]) == (150, [[0, 50]])
    recorder.store(frames=50, seed=1, frame=0)
    assert recorder.info()["missing_frames"] == []
    assert_same_audio(audio_of(lab, recorder), noise(50, 1) + noise(100))


def test_first_not_at_seq_0_has_lost_what_came_before(lab, recorder):
    recorder.store(frames=100, seq=5)
    info = recorder.info()
    assert (info["frames"], info["lost"], info["missing"]) == (100, [[0, 4]], [])
    assert info["next_seq"] == 6
    recorder.store(frames=100, seed=1, seq=6)
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


def test_first_a_year_ahead_waits_for_the_next(lab, recorder):
    assert recorder.refused(frames=100, frame=YEAR_FRAMES)["code"] == "jump"
    recorder.store(frames=100, seed=1, frame=YEAR_FRAMES + 100)
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


# In a noted gap


@pytest.mark.parametrize("parts", [[(100, 50)], [(100, 20), (120, 30)], [(120, 30), (100, 20)],
                                   [(110, 10), (130, 20), (100, 10), (120, 10)]], ids=str)
def test_gap_is_filled_by_what_belongs_there(lab, recorder, parts):
    recorder.store(frames=100, frame=0)
    recorder.store(frames=100, seed=1, frame=150)
    late = noise(50, 2)
    for frame, frames in parts:
        start = (frame - 100) * 2
        recorder.store(late[start : start + frames * 2], frame=frame)
    lab.watcher.wait_event(recorder.device, "s1", "gap_filled")
    info = recorder.info()
    assert (info["gap_frames"], info["gaps"], info["missing_frames"]) == (0, [], [])
    assert_same_audio(audio_of(lab, recorder), noise(100) + late + noise(100, 1))


def test_gap_filled_in_part_stays_noted_for_the_rest(lab, recorder):
    recorder.store(frames=100, frame=0)
    recorder.store(frames=100, seed=1, frame=200)
    recorder.store(frames=20, seed=2, frame=140)
    info = recorder.info()
    assert (info["gap_frames"], info["missing_frames"]) == (80, [[100, 140], [160, 200]])
    expected = noise(100) + silence(40) + noise(20, 2) + silence(40) + noise(100, 1)
    assert_same_audio(audio_of(lab, recorder), expected)


def test_inferred_gap_is_filled_by_seq(lab, recorder):
    for seq in [*range(8), 12, 9, 11, 8]:
        recorder.store(frames=160, seed=seq, seq=seq)
    assert recorder.info()["missing"] == [[10, 10]]
    expected = b"".join(silence(160) if n == 10 else noise(160, n) for n in range(13))
    assert_same_audio(audio_of(lab, recorder), expected)


def test_gap_of_a_complete_recording_is_filled(lab, recorder):
    recorder.store(frames=100, frame=0)
    recorder.store(frames=100, seed=1, frame=150)
    audio_of(lab, recorder)
    recorder.store(frames=50, seed=2, frame=100)
    expected = noise(100) + noise(50, 2) + noise(100, 1)
    if recorder.info()["state"] == "recording":
        assert_same_audio(audio_of(lab, recorder), expected)
    else:
        assert_same_audio(read_wave(lab.sink.wav(recorder.device, "s1"))[1], expected)


# Stored already


@pytest.mark.parametrize("numbers", ["seq", "frame", "both"])
def test_repeat_is_counted_and_acknowledged_and_not_written(lab, recorder, numbers):
    def fields(n):
        every = {"seq": n, "frame": 100 * n}
        return every if numbers == "both" else {numbers: every[numbers]}

    for n in (0, 1, 2, 1, 0, 2, 2):
        recorder.store(frames=100, seed=n, **fields(n))
    info = recorder.info()
    assert (info["fragments"], info["duplicates"], info["rejected"]) == (3, 4, 0)
    assert_same_audio(audio_of(lab, recorder), noise(100, 0) + noise(100, 1) + noise(100, 2))
    assert events_of(lab, recorder) == []


def test_other_bytes_at_a_stored_place_are_a_conflict(lab, recorder):
    for n in range(3):
        recorder.store(frames=100, seed=n, seq=n)
    error = recorder.refused(frames=100, seed=99, seq=1)
    assert error["code"] == "conflict" and error["message"]
    assert [code for code, _ in rejects_of(recorder)] == ["conflict"]
    info = recorder.info()
    assert (info["fragments"], info["rejected"], info["frames"]) == (3, 1, 300)
    recorder.store(frames=100, seed=3, seq=3)
    assert_same_audio(audio_of(lab, recorder), b"".join(noise(100, n) for n in range(4)))


@pytest.mark.parametrize("number", ["seq", "frame"])
def test_recorder_that_starts_again_at_0_under_its_old_name(lab, recorder, number):
    step = 1 if number == "seq" else 100
    for n in range(3):
        recorder.store(frames=100, seed=n, **{number: n * step})
    for n in range(3):
        recorder.store(frames=100, seed=10 + n, **{number: n * step})
    assert lab.watcher.wait_event(recorder.device, "s1", "restarted")
    info = recorder.info()
    assert (info["frames"], len(info["stretches"]), info["gap_frames"]) == (600, 2, 0)
    expected = [noise(100, n) for n in (0, 1, 2, 10, 11, 12)]
    assert_same_audio(audio_of(lab, recorder), b"".join(expected))


def test_conflict_that_the_next_follows_on_from_is_a_restart(lab, recorder):
    for n in range(5):
        recorder.store(frames=100, seed=n, seq=n, frame=100 * n)
    assert recorder.refused(frames=100, seed=11, seq=1, frame=100)["code"] == "conflict"
    recorder.store(frames=100, seed=12, seq=2, frame=200)
    recorder.store(frames=100, seed=13, seq=3, frame=300)
    lab.watcher.wait_event(recorder.device, "s1", "restarted")
    expected = [noise(100, n) for n in (0, 1, 2, 3, 4, 11, 12, 13)]
    assert_same_audio(audio_of(lab, recorder), b"".join(expected))


def test_partly_stored_partly_new_is_divided(lab, recorder):
    whole = noise(300)
    recorder.store(whole[:200], frame=0)
    recorder.store(whole[100:400], frame=50)
    assert recorder.info()["frames"] == 200
    recorder.store(whole[300:600], frame=150)
    assert_same_audio(audio_of(lab, recorder), whole)


def test_divided_over_a_gap_and_past_the_end(lab, recorder):
    whole = noise(400)
    recorder.store(whole[:200], frame=0)
    recorder.store(whole[300:400], frame=150)
    recorder.store(whole[100:], frame=50)
    info = recorder.info()
    assert (info["frames"], info["gap_frames"], info["missing_frames"]) == (400, 0, [])
    assert_same_audio(audio_of(lab, recorder), whole)


def test_divided_with_a_difference_anywhere_writes_nothing(lab, recorder):
    whole = noise(300)
    recorder.store(whole[:200], frame=0)
    bad = bytearray(whole[100:400])
    bad[99] ^= 1  # the last byte of what is stored
    assert recorder.refused(bytes(bad), frame=50)["code"] == "conflict"
    assert recorder.info()["frames"] == 100
    assert_same_audio(audio_of(lab, recorder), whole[:200])


# Boots


def test_boot_never_seen_begins_a_new_stretch(lab, recorder):
    for boot in ("a", "b", 7):
        for n in range(2):
            recorder.store(frames=100, seed=f"{boot} {n}", seq=n, frame=100 * n, boot=boot)
    lab.watcher.wait_event(recorder.device, "s1", "discontinuity", count=2)
    info = recorder.info()
    assert [stretch["boot"] for stretch in info["stretches"]] == ["a", "b", 7]
    assert (info["boot"], info["next_seq"], info["gap_frames"]) == (7, 2, 0)
    names = [f"{boot} {n}" for boot in ("a", "b", 7) for n in range(2)]
    assert_same_audio(audio_of(lab, recorder), b"".join(noise(100, name) for name in names))


def test_same_bytes_under_a_new_boot_are_new_audio(lab, recorder):
    for boot in (1, 2):
        recorder.store(frames=100, seq=0, boot=boot)
    assert_same_audio(audio_of(lab, recorder), noise(100) * 2)


def test_boot_as_number_and_as_text_is_the_same_run(lab, recorder):
    recorder.store(frames=100, seq=0, boot=7)
    recorder.store(frames=100, seed=1, seq=1, boot="7")
    assert len(recorder.info()["stretches"]) == 1
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


def test_new_audio_of_an_earlier_boot_is_late(lab, recorder):
    recorder.store(frames=100, seq=0, boot=1)
    recorder.store(frames=100, seed=1, seq=0, boot=2)
    error = recorder.refused(frames=100, seed=2, seq=1, boot=1)
    assert error["code"] == "late" and error["message"]
    assert [code for code, _ in rejects_of(recorder)] == ["late"]
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 1))


def test_audio_out_of_a_discontinuity_is_late(lab, recorder):
    recorder.store(frames=100, seq=0)
    recorder.store(frames=100, seed=5, seq=5)
    assert recorder.refused(frames=100, seed=3, seq=3)["code"] == "late"
    recorder.store(frames=100, seed=6, seq=6)
    assert_same_audio(audio_of(lab, recorder), noise(100) + noise(100, 5) + noise(100, 6))


# Numbers that come and go


def test_numbered_after_unnumbered(lab, recorder):
    recorder.store(frames=100, seed=1)
    recorder.store(frames=100, seed=2, seq=0)
    recorder.store(frames=100, seed=3, seq=1)
    recorder.store(frames=100, seed=4)
    assert_same_audio(audio_of(lab, recorder), b"".join(noise(100, n) for n in (1, 2, 3, 4)))


def test_quarantined_fragment_comes_back_byte_for_byte(client, recorder):
    recorder.store(frames=100, seq=0)
    client.subscribe(recorder.reply)
    recorder.store(frames=100, seed=1, seq=1)
    recorder.refused(frames=100, seed=2, seq=1)
    (_, number), = rejects_of(recorder)
    answer = client.ask("reject", {"quarantine_id": number})
    assert answer.payload == fragment(noise(100, 2), seq=1)



def test_partly_new_fragment_opens_a_complete_recording_again(lab, recorder):
    whole = noise(300)
    recorder.store(whole[:200], frame=0)
    recorder.end(frame=100)
    assert recorder.info()["state"] == "complete"
    recorder.store(whole[:100], frame=0)
    assert recorder.info()["state"] == "complete"
    recorder.store(whole[100:], frame=50)
    assert recorder.info()["state"] == "recording"
    lab.watcher.wait_event(recorder.device, "s1", "reopened")
    assert_same_audio(audio_of(lab, recorder), whole)


def test_restart_among_lost_numbers_is_told_by_its_second_fragment(lab, recorder):
    """A recorder without boots, heard from its middle on, starts again: nothing is lost."""
    recorder.store(noise(100, 1), seq=500)
    assert recorder.refused(noise(100, 2), seq=0)["code"] == "late"
    recorder.store(noise(100, 3), seq=1)
    recorder.store(noise(100, 4), seq=2)
    assert recorder.info()["next_seq"] == 3
    assert_same_audio(audio_of(lab, recorder), b"".join(noise(100, n) for n in range(1, 5)))
