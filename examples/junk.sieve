# File mail to Junk by what this server's users have reported. For all users,
# before their own scripts: see 95-junk-feedback.conf.
#
# Mail whose score is unknown goes on to the user's own script like any other.
require ["vnd.junk-feedback", "variables", "relational",
         "comparator-i;ascii-numeric", "editheader", "fileinto", "mailbox"];

# Nobody but us says how this message was scored. (Only if there is something
# to delete: Pigeonhole 0.5's deleteheader fails on a message without a body.)
if exists "X-Junk-Score" {
	deleteheader "X-Junk-Score";
}
addheader "X-Junk-Score" "${junk.score}";

# Why, for the recipient: the kinds of evidence that moved the score most.
if exists "X-Junk-Reason" {
	deleteheader "X-Junk-Reason";
}
addheader "X-Junk-Reason" "${junk.reason}";

# The threshold is the setting junk_feedback_threshold (90). ${junk.threshold}
# may be replaced by a number.
if junkscore :value "ge" :comparator "i;ascii-numeric" "${junk.threshold}" {
	# For a Junk mailbox of another name or language:
	#   require "special-use";
	#   fileinto :specialuse "\\Junk" "Junk";
	fileinto :create "Junk";
	stop;
}
