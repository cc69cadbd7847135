<?php
$config['enigma_pgp_homedir'] = '/var/lib/roundcube/enigma';
// the key's passphrase is forgotten after so many minutes
$config['enigma_password_time'] = 5;
