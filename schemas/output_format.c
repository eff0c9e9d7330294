#include "schemas/output_format.h"

#include "schemas/json.h"
#include "schemas/record_header.h"

struct bytes output_format_value(enum output_format format, const struct outbox_entry *entry,
                                 struct bytes_out *scratch)
{
    struct bytes payload = entry->payload;
    struct arena arena = { NULL, 0 };
    struct output o;

    if (format == OUTPUT_FORMAT_AVRO || payload.size < RECORD_HEADER_SIZE) {
        return payload;
    }
    if (format == OUTPUT_FORMAT_AVRO_BARE) {
        return (struct bytes){ payload.at + RECORD_HEADER_SIZE, payload.size - RECORD_HEADER_SIZE };
    }
    if (entry->type != OUTPUT_DEAD_LETTER &&
        output_decode(entry->type, payload, &arena, &o) == OK) {
        bytes_out_clear(scratch);
        json_encode_record(&o, scratch);
        payload = bytes_out_view(scratch);
    }
    arena_fini(&arena);
    return payload;
}
