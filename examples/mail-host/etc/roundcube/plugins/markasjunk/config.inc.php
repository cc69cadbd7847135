<?php
// A move is the report; there is no driver to run.
$config['markasjunk_spam_mbox'] = 'Junk';
$config['markasjunk_ham_mbox'] = 'INBOX';
$config['markasjunk_toolbar'] = true;
