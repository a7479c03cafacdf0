// Does nothing; linked statically, so that no ld.so runs and LD_PRELOAD has no effect.
int main(void) { return 0; }
