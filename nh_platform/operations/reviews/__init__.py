"""Operations on reviews and what lies beside them: labels of others in and out, reviews carried over a re-sort."""
