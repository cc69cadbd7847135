# The only script of a spam trap: an address that was never given to anyone,
# so that all mail that it gets is spam. One that a mail server's users could
# write to by mistake is no spam trap.
require ["vnd.junk-feedback"];

junkreport "spam";
discard;
