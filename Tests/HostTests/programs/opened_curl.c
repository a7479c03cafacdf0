// What opens.c loads. `which` is there twice: here, and in the program; RTLD_DEEPBIND decides.
const char *which(void) { return "plugin"; }
const char *who(void) { return which(); }
int answer(void) { return 7; }
