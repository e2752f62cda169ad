/* Recorders for random histories. A run of a recorder has a plan: the sizes of its fragments, and
 * so the numbers and samples of each; what it sends keeps to it, but for what is cut, altered or
 * made up on purpose. Deterministic in the seed, and in the choices where there are any. */
#ifndef TESTS_UNIT_PLACE_PLAN_H
#define TESTS_UNIT_PLACE_PLAN_H

#include <stdio.h>

#include "unit/place_model.h"

enum { PLAN_FRAGMENTS = 400, PLANS_MAX = 64 };

struct plan {
    char boot[8];
    bool has_seq, has_frame;
    uint64_t seq_base, frame_base; /* grow by a jump of the whole recorder */
    uint32_t sizes[PLAN_FRAGMENTS];
    uint64_t starts[PLAN_FRAGMENTS + 1];
    uint64_t seqs[PLAN_FRAGMENTS], frames[PLAN_FRAGMENTS]; /* as sent, of those before `next` */
    int next;
};

struct plans {
    uint64_t random;
    const uint8_t *choices; /* what is chosen, a byte for a choice, as long as there are any; then,
                               and where this is NULL, `random` chooses */
    size_t choices_count;
    struct plan runs[PLANS_MAX];
    int count;
    bool changes_kinds; /* now and then leaves a kind of number away */
};

static uint64_t plans_drawn(struct plans *plans, uint64_t below)
{
    plans->random = plans->random * 6364136223846793005u + 1442695040888963407u;
    return (plans->random >> 33) % below;
}

static uint64_t plans_random(struct plans *plans, uint64_t below)
{
    if (plans->choices_count == 0 || below > 256)
        return plans_drawn(plans, below);
    plans->choices_count--;
    return *plans->choices++ % below;
}

static bool plans_chance(struct plans *plans, unsigned percent)
{
    return plans_random(plans, 100) < percent;
}

/* A run begins: with another boot, or under the same name. */
static void plans_reboot(struct plans *plans, bool same_name)
{
    struct plan *plan = &plans->runs[plans->count];
    const struct plan *before = plans->count > 0 ? plan - 1 : NULL;
    bool fixed = plans_chance(plans, 50);
    uint32_t size = 1 + (uint32_t)plans_random(plans, 6);

    *plan = (struct plan){0};
    if (before) {
        plan->has_seq = before->has_seq;
        plan->has_frame = before->has_frame;
    } else {
        unsigned kinds = (unsigned)plans_random(plans, 10);

        plan->has_seq = kinds < 7;
        plan->has_frame = kinds == 0 || kinds >= 4;
    }
    if (before && same_name)
        memcpy(plan->boot, before->boot, sizeof plan->boot);
    else if (before || plans_chance(plans, 50))
        snprintf(plan->boot, sizeof plan->boot, "b%d", plans->count);
    for (int i = 0; i < PLAN_FRAGMENTS; i++) {
        plan->sizes[i] = fixed ? size : 1 + (uint32_t)plans_drawn(plans, 6);
        if (plans_drawn(plans, 100) < 2)
            plan->sizes[i] = 0;
        plan->starts[i + 1] = plan->starts[i] + plan->sizes[i];
    }
    plans->count++;
}

static void plans_init(struct plans *plans, uint64_t seed)
{
    plans->random = seed * 2654435761u + 12345;
    plans->count = 0;
    plans->changes_kinds = plans_chance(plans, 30);
    plans_reboot(plans, false);
}

static uint8_t plan_sample(int run, uint64_t frame)
{
    return (uint8_t)(1 + (frame * 7 + (uint64_t)run * 101 + frame / 13) % 255);
}

/* Frames [from, to) of the plan, under the number of fragment `i`. */
static struct sent plans_cut(struct plans *plans, int run, int i, uint64_t from, uint64_t to)
{
    const struct plan *plan = &plans->runs[run];
    struct sent sent = {.run = run};
    struct reel_numbers *numbers = &sent.numbers;

    numbers->has_seq = plan->has_seq;
    numbers->has_frame = plan->has_frame;
    numbers->seq = plan->has_seq ? plan->seqs[i] : 0;
    numbers->frame = plan->has_frame ? plan->frames[i] + (from - plan->starts[i]) : 0;
    numbers->frames = (uint32_t)(to - from);
    snprintf(numbers->boot.text, sizeof numbers->boot.text, "%s", plan->boot);
    for (uint64_t frame = from; frame < to; frame++)
        sent.data[frame - from] = plan_sample(run, frame);
    if (plans->changes_kinds && plans_chance(plans, 15)) {
        numbers->has_seq = numbers->has_seq && plans_chance(plans, 50);
        numbers->has_frame = numbers->has_frame && plans_chance(plans, 50);
    }
    return sent;
}

static struct sent plans_fragment(struct plans *plans, int run, int i)
{
    const struct plan *plan = &plans->runs[run];

    return plans_cut(plans, run, i, plan->starts[i], plan->starts[i + 1]);
}

/* The next fragments up to the `ahead`th come to be; the last of them is sent. */
static struct sent plans_advance(struct plans *plans, int ahead)
{
    struct plan *plan = &plans->runs[plans->count - 1];

    for (int k = 0; k < ahead && plan->next < PLAN_FRAGMENTS - 1; k++) {
        plan->seqs[plan->next] = plan->seq_base + (uint64_t)plan->next;
        plan->frames[plan->next] = plan->frame_base + plan->starts[plan->next];
        plan->next++;
    }
    return plans_fragment(plans, plans->count - 1, plan->next - 1);
}

/* One of the last `depth` that came to be, of the run under way or one before. */
static struct sent plans_again(struct plans *plans, int depth)
{
    int run = plans->count - 1;
    const struct plan *plan;
    int i;

    if (plans_chance(plans, 15))
        run = (int)plans_random(plans, (uint64_t)plans->count);
    plan = &plans->runs[run];
    if (plan->next == 0)
        return plans_advance(plans, 1);
    i = plan->next - 1 - (int)plans_random(plans, (uint64_t)depth);
    return plans_fragment(plans, run, i > 0 ? i : 0);
}

/* A range that does not keep to the fragments' bounds. */
static struct sent plans_overlap(struct plans *plans)
{
    int run = plans->count - 1;
    const struct plan *plan = &plans->runs[run];
    uint64_t from, to;
    int i;

    if (plan->next == 0 || !plan->has_frame)
        return plans_advance(plans, 1);
    i = plan->next - 1 - (int)plans_random(plans, plan->next < 12 ? (uint64_t)plan->next : 12);
    if (plan->sizes[i] == 0)
        return plans_fragment(plans, run, i);
    from = plan->starts[i] + plans_random(plans, plan->sizes[i]);
    to = from + 1 + plans_random(plans, MODEL_DATA - 1);
    return plans_cut(plans, run, i, from, to);
}

/* Keeps to no plan: other bytes, other numbers, or none. */
static struct sent plans_nonsense(struct plans *plans)
{
    struct sent sent = plans_again(plans, 40);

    sent.run = -1;
    switch (plans_random(plans, 6)) {
    case 0:
    case 1:
        sent.data[0] ^= 0x55;
        break;
    case 2:
        sent.numbers.seq += (uint64_t)1 << plans_random(plans, 61);
        break;
    case 3:
        sent.numbers.frame += (uint64_t)1 << plans_random(plans, 61);
        break;
    case 4:
        sent.numbers.seq = plans_random(plans, 100);
        break;
    default:
        sent.numbers.has_seq = false;
        sent.numbers.has_frame = false;
        if (plans_chance(plans, 30))
            sent.numbers.boot.text[0] = '\0';
    }
    return sent;
}

static struct sent plans_next(struct plans *plans)
{
    struct plan *plan = &plans->runs[plans->count - 1];
    uint64_t dice = plans_random(plans, 100);

    if (dice < 3 && plans->count < PLANS_MAX) {
        plans_reboot(plans, plans_chance(plans, 50));
        return plans_advance(plans, plans_chance(plans, 80) ? 1 : 8);
    }
    if (dice < 5) {
        plan->seq_base += 1 + plans_random(plans, (uint64_t)1 << 40);
        plan->frame_base += 1 + plans_random(plans, (uint64_t)1 << 40);
        return plans_advance(plans, 1);
    }
    if (dice < 18)
        return plans_advance(plans, 2 + (int)plans_random(plans, 5));
    if (dice < 34)
        return plans_again(plans, 12);
    if (dice < 40)
        return plans_again(plans, 200);
    if (dice < 46)
        return plans_overlap(plans);
    if (dice < 54)
        return plans_nonsense(plans);
    return plans_advance(plans, 1);
}

#endif
