"""From kept documents to token shards. Inside ``winnow`` on purpose: a top-level ``tokenize``
package would hide the standard library's."""
