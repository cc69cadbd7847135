# File mail to Junk by what this server's users have reported. This script runs
# for all users before their own scripts: see 95-junk-feedback.conf.
#
# Mail whose score is unknown is left to the user's own script.
require ["vnd.junk-feedback", "variables", "relational",
         "comparator-i;ascii-numeric", "editheader", "fileinto", "mailbox"];

# Replace fields that the sender has written. The test comes first because
# deleteheader of Pigeonhole 0.5 fails on a message without a body.
if exists "X-Junk-Score" {
	deleteheader "X-Junk-Score";
}
addheader "X-Junk-Score" "${junk.score}";

# Tell the recipient which kinds of evidence had most effect on the score.
if exists "X-Junk-Reason" {
	deleteheader "X-Junk-Reason";
}
addheader "X-Junk-Reason" "${junk.reason}";

# ${junk.threshold} is the setting junk_feedback_threshold (default: 90). A number
# can replace it.
if junkscore :value "ge" :comparator "i;ascii-numeric" "${junk.threshold}" {
	# These lines file to a Junk mailbox of another name or language:
	#   require "special-use";
	#   fileinto :specialuse "\\Junk" "Junk";
	fileinto :create "Junk";
	stop;
}
