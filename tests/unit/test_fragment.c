/* Fragments as documents: what both MessagePack and JSON must take, refuse and report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "unit/forms.h"

#define AUDIO    "'audio':{'channels':1,'rate':16000,'sample_size':2}"
#define DATA     "'data':[1,-1,256]"
#define DOCUMENT "{'metadata':{" AUDIO ",'session':{%s}}," DATA "}"

static void a_full_document_is_read(void **state)
{
    static const char document[] =
        "{'later':{'a':[1,{}]},'data':[1,-1,256,-32768],'metadata':{'tags':{'site':'attic',"
        "'gain':-3,'f':0.5},'audio':{'rate':48000,'channels':2,'sample_size':2,'encoding':'pcm',"
        "'x':1},'session':{'id':'s1','seq':7,'frame':70,'boot':'b-1','time':1700000000000000,"
        "'end':true,'reply_to':'reel/v1/reply/mic1/a','later':null}}}";

    (void)state;
    for (int as_json = 0; as_json < 2; as_json++) {
        struct form form;
        const struct reel_fragment *fragment = &form.fragment;

        assert_int_equal(form_decode(&form, document, as_json), REEL_OK);
        assert_int_equal(fragment->kind, as_json ? REEL_PAYLOAD_JSON : REEL_PAYLOAD_MSGPACK);
        assert_string_equal(fragment->session, "s1");
        assert_true(fragment->numbers.has_seq);
        assert_int_equal(fragment->numbers.seq, 7);
        assert_true(fragment->numbers.has_frame);
        assert_int_equal(fragment->numbers.frame, 70);
        assert_true(fragment->numbers.end);
        assert_string_equal(fragment->numbers.boot.text, "b-1");
        assert_false(fragment->numbers.boot.is_uint);
        assert_int_equal(fragment->numbers.frames, 2);
        assert_true(fragment->has_time);
        assert_int_equal(fragment->time_us, 1700000000000000);
        assert_string_equal(fragment->reply_to, "reel/v1/reply/mic1/a");
        assert_false(fragment->reply_to_unusable);
        assert_int_equal(fragment->format.rate, 48000);
        assert_int_equal(fragment->format.channels, 2);
        assert_int_equal(fragment->format.sample_bytes, 2);
        assert_int_equal(fragment->format.encoding, REEL_PCM);
        assert_int_equal(fragment->data_bytes, 8);
        assert_memory_equal(fragment->data, "\x01\x00\xff\xff\x00\x01\x00\x80", 8);
        assert_int_equal(json_object_size(fragment->tags), 3);
        assert_string_equal(json_string_value(json_object_get(fragment->tags, "site")), "attic");
        assert_int_equal(json_integer_value(json_object_get(fragment->tags, "gain")), -3);
        assert_true(json_real_value(json_object_get(fragment->tags, "f")) == 0.5);
        form_finish(&form);
    }
}

static void the_least_document_is_read(void **state)
{
    (void)state;
    for (int as_json = 0; as_json < 2; as_json++) {
        struct form form;

        assert_int_equal(form_decode(&form, "{'metadata':{" AUDIO "}," DATA "}", as_json), REEL_OK);
        assert_string_equal(form.fragment.session, "");
        assert_false(form.fragment.numbers.has_seq);
        assert_false(form.fragment.numbers.has_frame);
        assert_false(form.fragment.numbers.end);
        assert_false(form.fragment.has_time);
        assert_string_equal(form.fragment.numbers.boot.text, "");
        assert_string_equal(form.fragment.reply_to, "");
        assert_null(form.fragment.tags);
        assert_int_equal(form.fragment.numbers.frames, 3);
        form_finish(&form);
    }
}

static void taken(const char *document)
{
    for (int as_json = 0; as_json < 2; as_json++) {
        struct form form;

        if (form_decode(&form, document, as_json) != REEL_OK)
            fail_msg("refused (%s: %s): %s", form.err.field, form.err.message, document);
        form_finish(&form);
    }
}

static void session_taken(const char *members)
{
    char document[1024];

    snprintf(document, sizeof document, DOCUMENT, members);
    taken(document);
}

static void leniencies_are_taken(void **state)
{
    (void)state;
    session_taken("'seq':7.0,'frame':9007199254740992.0,'time':0");
    session_taken("'seq':4611686018427387903");
    session_taken("'id':null,'seq':null,'frame':null,'boot':null,'time':null,'end':null,"
                  "'reply_to':null");
    session_taken("'boot':'0123456789012345678901234567890123456789012345678901234567890123'");
    session_taken("'id':'A.b_c-9'");
    taken("{'metadata':{'audio':{'channels':1.0,'rate':16000.0,'sample_size':2.0,'encoding':null},"
          "'tags':null,'session':null}," DATA "}");
    taken("{'metadata':{" AUDIO ",'tags':{}},'data':[1.0,-2.0]}");
    taken("{'metadata':{" AUDIO ",'session':{'end':true}},'data':[]}");
    taken("{'metadata':{" AUDIO ",'session':{'end':true}}}");
}

static void boots_remember_how_they_were_sent(void **state)
{
    static const struct {
        const char *document;
        const char *text;
        bool is_uint;
    } cases[] = {
        {"{'metadata':{" AUDIO ",'session':{'boot':7}}," DATA "}", "7", true},
        {"{'metadata':{" AUDIO ",'session':{'boot':'7'}}," DATA "}", "7", false},
        {"{'metadata':{" AUDIO ",'session':{'boot':1700000000000.0}}," DATA "}", "1700000000000",
         true},
        {"{'metadata':{" AUDIO ",'session':{'boot':9223372036854775807}}," DATA "}",
         "9223372036854775807", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            struct form form;

            assert_int_equal(form_decode(&form, cases[i].document, as_json), REEL_OK);
            assert_string_equal(form.fragment.numbers.boot.text, cases[i].text);
            assert_int_equal(form.fragment.numbers.boot.is_uint, cases[i].is_uint);
            form_finish(&form);
        }
    }
}

static void refused(const char *document, const char *field)
{
    for (int as_json = 0; as_json < 2; as_json++) {
        struct form form;

        if (form_decode(&form, document, as_json) != REEL_E_BAD_REQUEST)
            fail_msg("taken: %s", document);
        if (strcmp(form.err.field, field) != 0)
            fail_msg("blames %s (%s), not %s: %s", form.err.field, form.err.message, field,
                     document);
        assert_null(form.fragment.tags);
        assert_null(form.fragment.data);
        assert_int_equal(form.fragment.format.rate, 0);
        form_finish(&form);
    }
}

static void session_refused(const char *members, const char *field)
{
    char document[1024];

    snprintf(document, sizeof document, DOCUMENT, members);
    refused(document, field);
}

static void a_session_field_at_fault_is_named(void **state)
{
    (void)state;
    session_refused("'id':7", "metadata.session.id");
    session_refused("'id':''", "metadata.session.id");
    session_refused("'id':'../x'", "metadata.session.id");
    session_refused("'id':'a b'", "metadata.session.id");
    session_refused("'id':'-x'", "metadata.session.id");
    session_refused("'id':'01234567890123456789012345678901234567890123456789012345678901234'",
                    "metadata.session.id");
    session_refused("'seq':-1", "metadata.session.seq");
    session_refused("'seq':1.5", "metadata.session.seq");
    session_refused("'seq':9007199254740994.0", "metadata.session.seq");
    session_refused("'seq':4611686018427387904", "metadata.session.seq");
    session_refused("'seq':'7'", "metadata.session.seq");
    session_refused("'seq':true", "metadata.session.seq");
    session_refused("'seq':[7]", "metadata.session.seq");
    session_refused("'frame':{'a':1}", "metadata.session.frame");
    session_refused("'frame':9223372036854775807", "metadata.session.frame");
    session_refused("'time':-1.0", "metadata.session.time");
    session_refused("'boot':-1", "metadata.session.boot");
    session_refused("'boot':1.5", "metadata.session.boot");
    session_refused("'boot':''", "metadata.session.boot");
    session_refused("'boot':'a\\u0007'", "metadata.session.boot");
    session_refused("'boot':'01234567890123456789012345678901234567890123456789012345678901234'",
                    "metadata.session.boot");
    session_refused("'end':1", "metadata.session.end");
    session_refused("'end':'true'", "metadata.session.end");
    session_refused("'reply_to':5", "metadata.session.reply_to");
}

static void a_field_at_fault_is_named(void **state)
{
    (void)state;
    refused("{}", "metadata");
    refused("{" DATA "}", "metadata");
    refused("{'metadata':null," DATA "}", "metadata");
    refused("{'metadata':[]," DATA "}", "metadata");
    refused("{'metadata':{}," DATA "}", "metadata.audio");
    refused("{'metadata':{'audio':5}," DATA "}", "metadata.audio");
    refused("{'metadata':{" AUDIO ",'session':'s1'}," DATA "}", "metadata.session");
    refused("{'metadata':{'audio':{'rate':1,'sample_size':2}}," DATA "}",
            "metadata.audio.channels");
    refused("{'metadata':{'audio':{'channels':1,'sample_size':2}}," DATA "}",
            "metadata.audio.rate");
    refused("{'metadata':{'audio':{'channels':1,'rate':1}}," DATA "}",
            "metadata.audio.sample_size");
    refused("{'metadata':{'audio':{'channels':0,'rate':1,'sample_size':2}}," DATA "}",
            "metadata.audio.channels");
    refused("{'metadata':{'audio':{'channels':65537,'rate':1,'sample_size':2}}," DATA "}",
            "metadata.audio.channels");
    refused("{'metadata':{'audio':{'channels':1,'rate':0,'sample_size':2}}," DATA "}",
            "metadata.audio.rate");
    refused("{'metadata':{'audio':{'channels':1,'rate':4294967297,'sample_size':2}}," DATA "}",
            "metadata.audio.rate");
    refused("{'metadata':{'audio':{'channels':1,'rate':1,'sample_size':160}}," DATA "}",
            "metadata.audio.sample_size");
    refused("{'metadata':{'audio':{'channels':1,'rate':1,'sample_size':258}}," DATA "}",
            "metadata.audio.sample_size");
    refused("{'metadata':{'audio':{'channels':'1','rate':1,'sample_size':2}}," DATA "}",
            "metadata.audio.channels");
    refused("{'metadata':{'audio':{'channels':1,'rate':1,'sample_size':2,'encoding':'flac'}}," DATA
            "}",
            "metadata.audio.encoding");
    refused("{'metadata':{'audio':{'channels':1,'rate':1,'sample_size':2,'encoding':1}}," DATA "}",
            "metadata.audio.encoding");
    refused("{'metadata':{" AUDIO "}}", "data");
    refused("{'metadata':{" AUDIO "},'data':null}", "data");
    refused("{'metadata':{" AUDIO "},'data':[]}", "data");
    refused("{'metadata':{" AUDIO "},'data':5}", "data");
    refused("{'metadata':{" AUDIO "},'data':{}}", "data");
}

static void what_is_missing_is_called_missing(void **state)
{
    static const char *const documents[] = {
        "{" DATA "}",
        "{'metadata':{'audio':{'channels':1,'rate':1,'sample_size':null}}," DATA "}",
        "{'metadata':{" AUDIO "}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            struct form form;

            assert_int_equal(form_decode(&form, documents[i], as_json), REEL_E_BAD_REQUEST);
            assert_string_equal(form.err.message, "is missing");
            form_finish(&form);
        }
    }
}

static void tags_are_few_short_and_flat(void **state)
{
    char document[2048] = "{'metadata':{" AUDIO ",'tags':{";

    (void)state;
    refused("{'metadata':{" AUDIO ",'tags':[]}," DATA "}", "metadata.tags");
    refused("{'metadata':{" AUDIO ",'tags':{'site':['x']}}," DATA "}", "metadata.tags.site");
    refused("{'metadata':{" AUDIO ",'tags':{'site':true}}," DATA "}", "metadata.tags.site");
    refused("{'metadata':{" AUDIO ",'tags':{'':1}}," DATA "}", "metadata.tags");
    refused("{'metadata':{" AUDIO ",'tags':{'0123456789012345678901234567890123456789012345678901"
            "2345678901234':1}}," DATA "}",
            "metadata.tags");
    for (int i = 0; i < 33; i++)
        sprintf(document + strlen(document), "%s't%d':%d", i ? "," : "", i, i);
    strcat(document, "}}," DATA "}");
    refused(document, "metadata.tags");
}

/* Whatever the error and wherever it stands, the answer knows whose fragment it was. */
static void an_error_leaves_what_the_answer_needs(void **state)
{
    static const char *const documents[] = {
        "{'metadata':{'audio':{'channels':'x','rate':1,'sample_size':2},'session':{'id':'s1',"
        "'seq':3,'frame':9,'boot':5,'time':7,'reply_to':'r','end':true}}," DATA "}",
        "{'data':7,'metadata':{'session':{'id':'s1','seq':3,'frame':9,'boot':5,'time':'x',"
        "'end':true,'reply_to':'r'}}}",
        "{'data':[1,2,3],'metadata':{'session':{'reply_to':'r','boot':5,'frame':9,'seq':3,"
        "'end':true,'id':'s1'},'tags':{'a':1,'b':{}},'audio':{'channels':2,'rate':1,"
        "'sample_size':2}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            struct form form;

            assert_int_equal(form_decode(&form, documents[i], as_json), REEL_E_BAD_REQUEST);
            assert_string_equal(form.fragment.session, "s1");
            assert_true(form.fragment.numbers.has_seq);
            assert_int_equal(form.fragment.numbers.seq, 3);
            assert_true(form.fragment.numbers.has_frame);
            assert_int_equal(form.fragment.numbers.frame, 9);
            assert_true(form.fragment.numbers.end);
            assert_string_equal(form.fragment.numbers.boot.text, "5");
            assert_string_equal(form.fragment.reply_to, "r");
            assert_false(form.fragment.has_time);
            assert_null(form.fragment.tags);
            assert_int_equal(form.fragment.numbers.frames, 0);
            form_finish(&form);
        }
    }
}

static void an_unusable_reply_to_is_kept_out_and_noted(void **state)
{
    char document[1024];
    char longest[257];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[256] = '\0';
    for (int extra = 0; extra < 2; extra++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            struct form form;

            snprintf(document, sizeof document,
                     "{'metadata':{" AUDIO ",'session':{'reply_to':'%s%s'}}," DATA "}", longest,
                     extra ? "y" : "");
            assert_int_equal(form_decode(&form, document, as_json), REEL_OK);
            assert_string_equal(form.fragment.reply_to, extra ? "" : longest);
            assert_int_equal(form.fragment.reply_to_unusable, extra);
            form_finish(&form);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_document_is_read),
        cmocka_unit_test(the_least_document_is_read),
        cmocka_unit_test(leniencies_are_taken),
        cmocka_unit_test(boots_remember_how_they_were_sent),
        cmocka_unit_test(a_session_field_at_fault_is_named),
        cmocka_unit_test(a_field_at_fault_is_named),
        cmocka_unit_test(what_is_missing_is_called_missing),
        cmocka_unit_test(tags_are_few_short_and_flat),
        cmocka_unit_test(an_error_leaves_what_the_answer_needs),
        cmocka_unit_test(an_unusable_reply_to_is_kept_out_and_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
