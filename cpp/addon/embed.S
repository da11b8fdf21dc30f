// The static program cpp/init, as the build made it: TSRUNC_INIT_PATH is its quoted path.
    .section .rodata
    .balign 16
    .globl tsrunc_init_begin
    .hidden tsrunc_init_begin
tsrunc_init_begin:
    .incbin TSRUNC_INIT_PATH
    .globl tsrunc_init_end
    .hidden tsrunc_init_end
tsrunc_init_end:
    .byte 0

    .section .note.GNU-stack, "", %progbits
