"""Thunderbird as a user of the mail host."""

import subprocess

import marionette

import internet as inet
import space


class Thunderbird(marionette.Thunderbird):
    def prepare(self, profile):
        """Trust the CA of the test's Internet."""
        for options in (("-N", "--empty-password"),
                        ("-A", "-t", "C,,", "-n", "ca", "-i", inet.CA)):
            subprocess.run(["certutil", "-d", "sql:" + profile, *options],
                           check=True)

    def set_up(self, address, password):
        """Create an account in the dialog for new accounts, from name, address
        and password only. Return the servers that Thunderbird has found."""
        self.run("""
            const window = Services.wm.getMostRecentWindow("mail:3pane");
            window.document.getElementById("tabmail").openTab("contentTab",
                {url: "about:accountsetup"});
        """)
        page = """
            const window = Services.wm.getMostRecentWindow("mail:3pane");
            const doc = window.document.getElementById("tabmail")
                .currentTabInfo.browser.contentDocument;
        """
        space.wait_for(lambda: self.run(
            page + "return !!doc.getElementById('continueButton')"),
            "the dialog")
        self.run(page + """
            const values = {realname: "Anna", email: arguments[0],
                            password: arguments[1]};
            for (const [id, value] of Object.entries(values)) {
                const input = doc.getElementById(id);
                input.focus();
                input.value = value;
                input.dispatchEvent(new doc.defaultView.Event("input",
                    {bubbles: true}));
            }
            doc.getElementById("continueButton").click();
        """, address, password)
        self._press(page, "createButton")
        self.wait("MailServices.accounts.accounts.some("
                  "a => a.incomingServer.type == 'imap')", 120)
        return self.run("""
            const account = MailServices.accounts.accounts.find(
                a => a.incomingServer.type == "imap");
            const server = account.incomingServer;
            const smtp = MailServices.outgoingServer.defaultServer;
            return {imap: [server.hostName, server.port, server.socketType,
                           server.username],
                    smtp: [smtp.serverURI.host, smtp.serverURI.port,
                           smtp.socketType, smtp.username]};
        """)

    def _press(self, page, button):
        """Press a button as soon as it is enabled and visible."""
        shown = page + """
            const button = doc.getElementById(arguments[0]);
            return !button.disabled && !button.hidden &&
                button.getClientRects().length > 0;
        """
        try:
            space.wait_for(lambda: self.run(shown, button), button, 120)
        except space.Failure as failure:
            raise space.Failure("%s\n%s" % (failure, self.run(
                page + "return doc.body.innerText"))) from None
        self.run(page + "doc.getElementById(arguments[0]).click()", button)

    def move(self, subject, source, target):
        """Move a message to another mailbox by the code that runs after a drag."""
        self.run_async("""
            const [subject, source, target] = args;
            const root = MailServices.accounts.accounts.find(
                a => a.incomingServer.type == "imap").incomingServer.rootFolder;
            const until = async (what, test) => {
                for (let i = 0; i < 400; i++) {
                    const value = test();
                    if (value) return value;
                    await new Promise(resolve => setTimeout(resolve, 200));
                }
                throw new Error("timed out: " + what);
            };
            const folder = name => root.subFolders.find(
                f => f.name.toLowerCase() == name.toLowerCase());
            root.server.performExpand(null);
            const from = await until(source, () => folder(source));
            const to = await until(target, () => folder(target));
            const find = () => {
                from.updateFolder(null);
                return [...from.messages].find(m => m.mime2DecodedSubject ==
                                                    subject);
            };
            const header = await until(subject, find);
            await new Promise((resolve, reject) =>
                MailServices.copy.copyMessages(from, [header], to, true, {
                    onStopCopy: status => status == 0 ? resolve() :
                        reject(new Error("status " + status)),
                    QueryInterface: ChromeUtils.generateQI([
                        "nsIMsgCopyServiceListener"])}, null, false));
        """, subject, source, target)
