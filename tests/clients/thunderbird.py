"""Thunderbird with an account of the private Dovecot, and a user's actions in
its window.

    with thunderbird.Program(t) as program:
        program.choose("INBOX", 1, 0)
        program.press("cmd_markAsJunk")
"""

import harness
import marionette

# The window, the list of messages, and a promise that what is waited for
# becomes true.
COMMON = """
const window = Services.wm.getMostRecentWindow("mail:3pane");
const list = window.gTabmail.currentAbout3Pane;
const server = MailServices.accounts.accounts.find(
    account => account.incomingServer.type == "imap").incomingServer;
const mailbox = name => server.rootFolder.subFolders.find(
    folder => folder.name.toLowerCase() == name.toLowerCase());
const until = async (what, test) => {
    for (let i = 0; i < 600; i++) {
        const value = test();
        if (value) return value;
        await new Promise(resolve => window.setTimeout(resolve, 50));
    }
    throw new Error("timed out: " + what);
};
"""


def preferences(t):
    """Return preferences of an account without what Thunderbird does by itself
    and would come between the test's steps: looking for mail, and its own
    junk filter."""
    return {
        "mail.accountmanager.accounts": "account1",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.account.account1.server": "server1",
        "mail.account.account1.identities": "id1",
        "mail.identity.id1.useremail": "anna@example.com",
        "mail.server.server1.type": "imap",
        "mail.server.server1.hostname": "127.0.0.1",
        "mail.server.server1.port": t.d.imap_port,
        "mail.server.server1.userName": t.user(),
        # neither TLS nor an encrypted password
        "mail.server.server1.socketType": 0,
        "mail.server.server1.authMethod": 3,
        "mail.server.server1.login_at_startup": False,
        "mail.server.server1.check_new_mail": False,
        "mail.server.server1.spamLevel": 0,
        # the filter may move messages to this account's Junk
        "mail.server.server1.moveTargetMode": 0,
        "mail.server.server1.spamActionTargetAccount":
            "imap://%s@127.0.0.1" % t.user().replace("@", "%40"),
    }


class Program(marionette.Thunderbird):
    def __init__(self, t, more=None):
        super().__init__(dict(preferences(t), **more or {}))

    def __enter__(self):
        super().__enter__()
        self.run_async(COMMON + """
            server.password = args[0];
            server.performExpand(null);
            await until("the mailboxes", () => mailbox("Junk") &&
                        mailbox("Work") && list.threadTree);
        """, harness.PASSWORD)
        return self

    def open(self, name, count):
        """Open a mailbox, and wait until it has this number of messages."""
        self.run_async(COMMON + """
            const [name, count] = args;
            const folder = mailbox(name);
            list.displayFolder(folder);
            await until("an open " + name,
                        () => list.gFolder == folder && list.gDBView);
            folder.updateFolder(list.msgWindow);
            await until(count + " messages in " + name,
                        () => list.gDBView.rowCount == count);
        """, name, count)

    def find(self, word):
        """Return the row of the message whose subject has this word."""
        return self.run_async(COMMON + """
            const view = list.gDBView;
            const find = () => [...Array(view.rowCount).keys()].find(
                row => view.getMsgHdrAt(row).subject.includes(args[0]));
            await until("a message with " + args[0],
                        () => find() !== undefined);
            return find();
        """, word)

    def choose(self, *rows):
        """Select messages in the list, the newest of which is 0, and have a
        single one shown, which marks it as read."""
        self.run_async(COMMON + """
            const view = list.gDBView;
            list.threadTree.selectedIndices = args;
            await until("the selection",
                        () => view.numSelected == args.length);
            if (args.length == 1)
                await until("a message that is read",
                            () => view.hdrForFirstSelectedMessage?.isRead);
        """, *rows)

    def press(self, command):
        """Run the command of a button or a menu on the selected messages."""
        self.run_async(COMMON + """
            await until(args[0], () =>
                list.commandController.isCommandEnabled(args[0]));
            list.commandController.doCommand(args[0]);
        """, command)

    def drag(self, name):
        """Run the same command as dropping the selected messages onto a
        mailbox."""
        self.run_async(COMMON + """
            list.commandController.doCommand("cmd_moveMessage",
                                             mailbox(args[0]));
        """, name)

    def undo(self):
        self.run_async(COMMON + "window.goDoCommand('cmd_undo')")

    def use_filter(self, move):
        """Turn on Thunderbird's own filter, and whether it moves what it
        marks."""
        self.run_async(COMMON + """
            server.setIntValue("spamLevel", 100);
            server.setBoolValue("moveOnSpam", args[0]);
            server.spamSettings.initialize(server);
        """, move)

    def get_messages(self):
        """Fetch new mail, which Thunderbird's own filter looks at."""
        self.run_async(COMMON + "mailbox('INBOX').updateFolder(list.msgWindow)")
