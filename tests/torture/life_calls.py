"""calls.py's rounds with another workload: the sink is killed at a call, or it fails once, while
recordings live their whole life (life.py)."""
import random
from contextlib import closing
from itertools import count

from calls import Round, kinds
from life import SETTINGS, SHORT, Life
from lifecheck import check_life

# Each thing once, and what follows from it.
SCRIPT = (
    Life.upload, Life.upload, Life.keep, Life.tag, Life.upload_in_blocks, Life.upload, Life.delete,
    Life.record, Life.delete, lambda life: life.record(SHORT, delete_at=2), Life.upload_in_blocks,
    Life.delete_all_of_a_device, Life.upload,
)


def plan(effects):
    return [("work", call, effect) for effect in effects for call in kinds("work", effect)]


class OneShelf(Life):
    """Few names, so that the script meets what it has made."""

    def any_name(self):
        return self.name("shelf-0", f"s{self.generator.randrange(2)}")


class LifeRound(Round):
    def __init__(self, build, folder, broker, phase, call, effect, number):
        super().__init__(build, folder, broker, phase, call, effect, number)
        self.sink.settings |= SETTINGS
        self.life = None

    def check_store(self, settled=False, **_):
        """What a kill has left is put right by the next start."""
        return check_life(self.sink.store, self.life) if settled else []

    def live(self):
        self.life = OneShelf(self.sink, random.Random(self.number), count(1))
        with closing(self.life):
            self.launch_traced()
            for deed in SCRIPT:
                deed(self.life)
                if self.ended() and not self.findings:
                    self.life.revive()
                if self.findings:
                    return
                self.life.resolve()
            self.life.settle()
            self.stop()
