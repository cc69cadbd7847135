#ifndef JUNK_DATABASE_H
#define JUNK_DATABASE_H

/* What the service's database is known by to those who read it beside the
   service: PRAGMA application_id ("JFbk") and user_version of sql/schema.sql. */
#define JUNK_DATABASE_APPLICATION_ID 0x4a46626b
#define JUNK_DATABASE_VERSION 5

#endif
