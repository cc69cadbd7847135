"""Changes of mind (edge cases 28-32)."""

import os
import random
import time

import harness
import testcase
from testcase import ALL_FORMATS, ham, numbered, spam

SLOW = True
OPTIONS = {"debug": True}
DAY_USECS = 86400 * 1000000


@ALL_FORMATS
def test_in_and_back(t):
    """case 28: quickly moved to Junk and back: as if it had never happened"""
    t.deliver(ham())
    t.move("INBOX", "Junk")
    t.expect("spam move")
    t.move("Junk", "INBOX")
    t.expect("-1 spam move")
    # in the other direction
    t.deliver(spam(), mailbox="Junk")
    t.move("Junk", "INBOX")
    t.expect("ham move")
    t.move("INBOX", "Junk")
    t.expect("-1 ham move")


@ALL_FORMATS
def test_repeatedly(t):
    """case 29: moved to Junk and back repeatedly: the last verdict counts,
    once"""
    t.deliver(ham())
    for _ in range(3):
        t.move("INBOX", "Junk")
        t.move("Junk", "INBOX")
    t.expect()
    t.move("INBOX", "Junk")
    t.expect("spam move")
    # in two sessions, by copies
    t.deliver(ham())
    for _ in range(2):
        t.move("INBOX", "Junk", "UID COPY")
        testcase.wait_reported(t.d)
        other = t.imap(select="Junk")
        other.cmd("UID COPY %d INBOX" % other.uids()[-1])
        testcase.wait_reported(t.d)
    t.move("INBOX", "Junk", "UID COPY")
    t.expect("spam copy")


def age_spool(path, days):
    """Change the reports in a spool to an earlier time."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        for offset, _, stamp, _, _ in testcase.parse_frames(bytes(data)):
            data[offset + 8:offset + 16] = (
                stamp - days * DAY_USECS).to_bytes(8, "little")
        f.seek(0)
        f.write(data)


def test_months_later(t):
    """case 30: rescued weeks after it was reported: ham in the end"""
    p = t.private(debug=True, service=None)
    p.deliver(spam())
    c = p.imap(select="INBOX")
    c.cmd("UID MOVE 1 Junk")
    c.logout()
    spool = p.control_file(p.user(), "junk-feedback.spool")
    harness.wait_for(lambda: os.path.exists(spool), "the spool")
    wait_for_imap(p)
    age_spool(spool, 40)
    # the service starts and gets the spool
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    harness.wait_for(lambda: not os.path.exists(spool), "the spool to go")
    p.expect("spam move")
    p.move("Junk", "INBOX")
    p.expect("-1 spam move", "ham move")


def wait_for_imap(t):
    harness.wait_for(lambda: not t.d.children("imap"), "imap to end")


def test_same_message_id(t):
    """case 31: a message with the same Message-ID and other content is another
    one; a duplicate delivery is the same"""
    one = ham(1)
    two = one.replace(b"garden plans", b"kitchen sink and nothing else")
    t.deliver(one)
    t.deliver(two)
    c = t.client(select="INBOX")
    c.cmd("MOVE 1:2 Junk")
    t.expect("2 spam move")
    for _ in range(3):
        t.deliver(one)
    c.select("INBOX")
    c.cmd("MOVE 1:* Junk")
    t.expect()


def test_disagree(t):
    """case 32: two users disagree about the same message: both reports
    count"""
    message = ham()
    t.deliver(message, user="anna")
    t.deliver(message, user="bob", mailbox="Junk")
    t.move("INBOX", "Junk", user="anna")
    t.move("Junk", "INBOX", user="bob")
    t.expect("spam move", "ham move")


def one_command(t, mailbox, command):
    """Run a command in a connection of its own, like webmail."""
    c = t.imap(select=mailbox)
    c.cmd(command % c.uids()[-1])
    c.logout()


@ALL_FORMATS
def test_two_connections(t):
    """case 28: a keyword and a move, each in a connection of its own
    (Roundcube), and both undone: as if it had never happened"""
    junk = [("INBOX", "UID STORE %d +FLAGS (Junk \\Seen)"),
            ("INBOX", "UID STORE %d -FLAGS (NonJunk)"),
            ("INBOX", "UID MOVE %d Junk")]
    not_junk = [("Junk", "UID STORE %d +FLAGS (NonJunk)"),
                ("Junk", "UID STORE %d -FLAGS (Junk)"),
                ("Junk", "UID MOVE %d INBOX")]
    t.deliver(ham())
    for step in junk + not_junk:
        one_command(t, *step)
    t.expect()
    t.deliver(spam(), mailbox="Junk")
    for step in not_junk + junk:
        one_command(t, *step)
    t.expect()
    for step in not_junk:
        one_command(t, *step)
    t.expect("ham keyword")


@ALL_FORMATS
def test_void_mark(t):
    """case 18: a not-junk keyword in one session, the move to Trash or the
    deletion in the next: nothing. But a message that was copied out stays
    ham."""
    for command in ("UID MOVE %d Trash", "UID STORE %d +FLAGS (\\Deleted)"):
        t.deliver(spam(), mailbox="Junk")
        one_command(t, "Junk", "UID STORE %d +FLAGS ($NotJunk)")
        t.expect("ham keyword")
        one_command(t, "Junk", command)
        t.expect("-1 ham keyword")
        t.deliver(spam(), mailbox="Junk")
        one_command(t, "Junk", "UID STORE %d +FLAGS ($NotJunk)")
        one_command(t, "Junk", "UID COPY %d INBOX")
        one_command(t, "Junk", command)
        t.expect("ham keyword")
    # the keyword is removed
    t.deliver(spam(), mailbox="Junk")
    one_command(t, "Junk", "UID STORE %d +FLAGS ($NotJunk)")
    one_command(t, "Junk", "UID STORE %d -FLAGS ($NotJunk)")
    t.expect()


def test_replaced_flags(t):
    """case 19: a client that replaces all flags when it quits (mailutils)
    hasn't removed a keyword"""
    for _ in range(3):
        t.deliver(ham())
    c = t.client(select="INBOX")
    c.cmd("STORE 1:2 +FLAGS ($Junk \\Seen)")
    t.expect("2 spam keyword")
    c.cmd("STORE 1:3 FLAGS.SILENT ()")
    c.cmd("UID STORE 1:3 FLAGS (\\Seen)")
    t.expect()


# more than the number that is remembered of one command
MANY = 300


@ALL_FORMATS
def test_many_marks(t):
    """case 29: a set of any size: marked as not junk, then all to Trash:
    nothing; marks removed and opposite ones set: all of them"""
    c = t.client()
    c.append_many("Drafts", [numbered(n) for n in range(MANY)])
    c.select("Drafts")
    c.cmd("MOVE 1:* Junk")
    c.select("Junk")
    c.cmd("STORE 1:* +FLAGS (NonJunk)")
    c.cmd("MOVE 1:* Trash")
    t.expect()
    # rescued from there, in another session
    other = t.imap(select="Trash")
    other.cmd("MOVE 1:* INBOX")
    t.expect("%d ham move" % MANY)


@ALL_FORMATS
def test_many_unmarked(t):
    """case 19: the marks of a large set are removed in one session, the
    opposite ones set in the next"""
    c = t.client()
    c.append_many("INBOX", [numbered(n) for n in range(MANY)],
                  "Junk \\Seen")
    c.select("INBOX")
    c.cmd("STORE 1:* -FLAGS (Junk)")
    other = t.imap(select="INBOX")
    other.cmd("STORE 1:* +FLAGS (NonJunk)")
    t.expect("%d ham keyword" % MANY)


# --- random acts, compared with a reference ---

class Person:
    """A message in its own pair of mailboxes, and where a person has put it.
    The reference knows only the states before and after an act."""

    def __init__(self, t, mailbox):
        self.t = t
        self.origin = self.mailbox = mailbox
        self.message = ham()
        t.deliver(self.message, mailbox=mailbox)
        self.session = None
        self.ways = []

    def client(self):
        if self.session is None or random.random() < 0.5:
            if self.session is not None and random.random() < 0.5:
                self.session.logout()
            self.session = self.t.imap()
        self.session.select(self.mailbox)
        return self.session

    def uid(self, c):
        return c.uids()[-1]

    def act(self):
        """Move it to the other mailbox or back, in one of the ways that
        clients use."""
        c = self.client()
        junk = self.mailbox != "Junk"
        target = "Junk" if junk else "INBOX"
        add, remove = ("Junk", "NonJunk") if junk else ("NonJunk", "Junk")
        way = random.choice(("move", "keywords", "copy", "trash", "append"))
        self.ways.append(way)
        if way == "keywords":
            steps = ["UID STORE %%d +FLAGS (%s \\Seen)" % add,
                     "UID STORE %%d -FLAGS (%s)" % remove]
            random.shuffle(steps)
            for step in steps:
                c.cmd(step % self.uid(c))
                c = self.client()
        if way == "copy":
            uid = self.uid(c)
            c.cmd("UID COPY %d %s" % (uid, target))
            c.cmd("UID STORE %d +FLAGS (\\Deleted)" % uid)
            c.cmd("EXPUNGE")
        elif way == "trash" and not junk:
            c.cmd("UID MOVE %d Trash" % self.uid(c))
            testcase.wait_reported(self.t.d)
            self.mailbox = "Trash"
            c = self.client()
            c.cmd("UID MOVE %d %s" % (self.uid(c), target))
        elif way == "append":
            uid = self.uid(c)
            # the time of arrival in a mailbox has a resolution of a second
            time.sleep(1.1)
            c.append(target, self.message)
            c.cmd("UID STORE %d +FLAGS (\\Deleted)" % uid)
            c.cmd("EXPUNGE")
            time.sleep(1.1)
        else:
            c.cmd("UID MOVE %d %s" % (self.uid(c), target))
        # acts of other sessions come later
        testcase.wait_reported(self.t.d)
        self.mailbox = target

    def verdict(self):
        if self.mailbox == self.origin:
            return None
        return "spam" if self.mailbox == "Junk" else "ham"


def random_acts(t, seed, up):
    random.seed(seed)
    for mailbox in ("INBOX", "Junk"):
        for _ in range(4):
            person = Person(t, mailbox)
            for _ in range(random.randrange(1, 6)):
                person.act()
            if up:
                check_acts(t, person, seed)
            yield person
            # remove it for the next person
            c = t.client(select=person.mailbox)
            c.cmd("STORE 1:* +FLAGS (\\Deleted)")
            c.cmd("EXPUNGE")


def check_acts(t, person, seed):
    want = person.verdict()
    got = sum(t.reports().values())
    kinds = {key.split(" ")[0] for key in t.reports()}
    assert got == (want is not None) and kinds <= {want}, (
        "seed %d: %s -> %s by %s: want %s, got %s" % (
            seed, person.origin, person.mailbox, person.ways, want,
            dict(t.reports())))
    t.before = testcase.live(t.d)


def test_random_acts(t):
    """case 29: whatever a person does to a message in one act: only where it
    was before and where it is now counts"""
    seed = int(os.environ.get("SEED", 0)) or random.randrange(1 << 30)
    for _ in random_acts(t, seed, True):
        pass


def test_random_acts_down(t):
    """case 29: the same while the service is down"""
    p = t.private(service=None)
    seed = int(os.environ.get("SEED", 0)) or random.randrange(1 << 30)
    people = list(random_acts(p, seed, False))
    for client in p.clients:
        client.close()
    wait_for_imap(p)
    p.d.options.service = ""
    p.d.restart()
    p.imap()
    spool = p.control_file(p.user(), "junk-feedback.spool")
    harness.wait_for(lambda: not os.path.exists(spool), "the spool to go")
    testcase.barrier(p.d)
    got = sorted(key.split(" ")[0]
                 for key in testcase.live(p.d).elements())
    want = sorted(person.verdict() for person in people if person.verdict())
    assert got == want, "seed %d: %s, not %s: %s" % (
        seed, got, want, [(person.origin, person.ways) for person in people])
