#ifndef PUBLISH_H
#define PUBLISH_H

struct junk_learner;

/* Write the learner's model to a segment file, which stays unchanged. Exits on an
   error. */
void publish_model(struct junk_learner *learner, const char *path);

#endif
